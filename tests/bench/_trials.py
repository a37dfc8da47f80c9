"""One taught model and what it never saw, as the benchmark of "none of these" draws them."""

import importlib.util
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch import Tensor

from tests.bench.train import finish
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.novelty import (
    Examples,
    NoveltyDetector,
    distances_to,
    fit_detector,
    leave_one_out,
)
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, sample_per_class
from tl_core.engine.job import Job
from tl_core.images.decode import decode
from tl_core.specs.classify import LEAST_GROUPS
from tl_core.specs.datasets import OnDataset
from tl_core.specs.training import FineTune
from tl_core.training.data import open_dataset
from tl_core.training.embeddings import embeddings
from tl_core.training.inputs import PhotoSource, chunks
from tl_core.training.trainable import new_head

_DIGITS, _TAUGHT_BREEDS = 200, 4


@dataclass(frozen=True, eq=False)
class Embedded:
    """A data set's embeddings."""

    dataset: Dataset
    examples: tuple[Example, ...]
    rows: Tensor  # (N, D)

    def of(self, chosen: Iterable[Example]) -> Tensor:
        place = {example.key: row for row, example in enumerate(self.examples)}
        return self.rows[[place[example.key] for example in chosen]]


class Trial:
    """A model taught with ``count`` photographs a class, and those it never saw."""

    def __init__(
        self,
        data: Embedded,
        taught: Sequence[Example],
        held_out: Sequence[Example],
        count: int,
        seed: int,
        tail: Sequence[float] = (),
    ) -> None:
        chosen = sample_per_class(taught, count, seed=seed)
        numbers = {label: n for n, label in enumerate(sorted({e.label for e in chosen}))}
        labels = [numbers[example.label] for example in chosen]
        rows, keys = data.of(chosen), [example.key for example in chosen]
        self.held_out = data.of(held_out)
        self.head = trained_head(rows, torch.tensor(labels), seed)
        reference = F.normalize(rows, dim=1).half()
        self.detector = fit_detector(Examples(rows, keys, labels), None, tail)
        if not tail and len(keys) < LEAST_GROUPS:  # fewer than the lab promises for
            far = leave_one_out(reference, keys).sort()[0]
            self.detector = NoveltyDetector(reference, far, torch.ones(len(far)), "left out")

    def scores(self, rows: Tensor) -> dict[str, Tensor]:
        """How unusual rows (N, D) are by each method; higher is more."""
        with torch.no_grad():
            logits = self.head(rows)
        assert self.detector is not None
        return {
            "nearest": distances_to(self.detector.reference, rows)[0],
            "maximum softmax": -logits.softmax(1).amax(1),
            "energy": -logits.logsumexp(1),
        }

    def share_away(self, rows: Tensor, share: float) -> float:
        """Which part of rows (N, D) is turned away."""
        assert self.detector is not None
        return fmean(one.p_value <= share for one in self.detector.judge(rows))


def trained_head(rows: Tensor, labels: Tensor, seed: int) -> torch.nn.Module:
    """A head as the lab trains it: 30 epochs of AdamW, batches of 32."""
    head = new_head(rows.shape[1], int(labels.max()) + 1, None)
    optimiser = torch.optim.AdamW(head.parameters(), 1e-3, fused=True)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(30):
        for batch in chunks(torch.randperm(len(rows), generator=generator).tolist(), 32):
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(head(rows[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return head


def areas_of(trials: Sequence[Trial], unknown: Tensor) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        own, far = trial.scores(trial.held_out), trial.scores(unknown)
        for name in own:
            found[name].append(area_of(own[name], far[name]))
    return found


def area_of(own: Tensor, far: Tensor) -> float:
    """Area under the curve of share turned away against false alarms."""
    truth = [0] * len(own) + [1] * len(far)
    return float(roc_auc_score(truth, torch.cat([own, far]).tolist()))


def shares_turned_away(
    trials: Sequence[Trial], shown: dict[str, Tensor], share: float
) -> dict[str, list[float]]:
    found = {"false alarms": [t.share_away(t.held_out, share) for t in trials]}
    for name, rows in shown.items():
        found[f"{name} turned away"] = [trial.share_away(rows, share) for trial in trials]
    return found


def mean_of(values: Sequence[float]) -> str:
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{fmean(values):.3f} ± {error:.3f}"


def sides_of(data: Embedded) -> tuple[list[Example], list[Example]]:
    held_out = [example for example in data.examples if example.side == "validation"]
    return [example for example in data.examples if example.side != "validation"], held_out


def embed_data(context: Context, key: str, name: str) -> Embedded:
    spec: OnDataset = FineTune(dataset=name, backbone=key)
    dataset: Dataset = finish(open_dataset(Job(spec, "bench"), context, spec, lambda *_: None))
    examples = tuple({example.key: example for example in dataset.examples}.values())
    source = PhotoSource(context, dataset, "bench", lambda *_: None)
    rows = finish(embeddings(source, context.backbones.load(key), examples))
    return Embedded(dataset, examples, rows.float())


def far_rows(context: Context, key: str) -> Tensor:
    """Embeddings of what is neither cat nor dog."""
    return rows_of(context.backbones.load(key), far_files())


def far_files() -> list[bytes]:
    """The pictures in two packages that show neither cat nor dog."""
    pictures = [
        *sorted(_folder("skimage").glob("*.[jp][pn]g")),
        *sorted(_folder("foolbox").glob("imagenet_*.jpg")),
    ]
    pets = ("chelsea.png", "imagenet_00_243.jpg", "imagenet_16_251.jpg")
    return [path.read_bytes() for path in pictures if path.name not in pets]


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"


def digit_rows(context: Context, key: str) -> Tensor:
    return embed_data(context, key, "digits").rows[:_DIGITS]


@torch.inference_mode()
def rows_of(backbone: Backbone, files: Sequence[bytes]) -> Tensor:
    fitted = [torch.from_numpy(backbone.row.fit(decode(file, max_pixels=2**24))) for file in files]
    pixels = torch.stack(fitted).permute(0, 3, 1, 2).float() / 255
    return torch.cat([backbone.embed(part) for part in pixels.split(8)]).half().float().clone()


def near_trial(data: Embedded, seed: int) -> tuple[Trial, Tensor]:
    """Some breeds taught but for four photographs of each, and the embeddings of the others."""
    labels = sorted({example.label for example in data.examples})
    chosen = random.Random(seed).sample(labels, _TAUGHT_BREEDS)
    known = [example for example in data.examples if example.label in chosen]
    held_out = sample_per_class(known, 4, seed=seed)
    kept = {example.key for example in held_out}
    taught = [example for example in known if example.key not in kept]
    unknown = data.of(example for example in data.examples if example.label not in chosen)
    return Trial(data, taught, held_out, 0, seed), unknown
