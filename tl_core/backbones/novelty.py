"""Whether a photograph shows any class that a model was taught, or none of them.

A classifier must choose one of its classes. How far a photograph lies from the nearest one that the
model was taught with says what the answer cannot: that it is none of these. How far is too far is a
matter of calibration, on photographs of the model's own classes.

Source:
    Nearest neighbour as a score: Sun et al. 2022, arXiv:2204.06507. Conformal p-values: Bates et
    al. 2021, arXiv:2104.08279. Groups: Dunn, Wasserman & Ramdas 2022, arXiv:1809.07441.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.specs.classify import LEAST_GROUPS, Calibration, CalibrationKind, Novelty

ENOUGH_HELD_OUT = 100  # groups; of fewer the threshold varies more than leaving one out errs
MOST_REFERENCES = 256  # more turn hardly more away: docs/measured.md


@dataclass(frozen=True, eq=False)
class NoveltyDetector:
    """What a model was taught with, and how far new photographs of its classes lie from that.

    ``reference`` (R, D) holds embeddings of unit length in float16. ``distances`` (M,), ascending,
    are those of the calibration; ``weights`` (M,) make each of their groups count once.
    """

    reference: Tensor
    distances: Tensor
    weights: Tensor
    kind: CalibrationKind
    keys: tuple[str, ...] = ()  # of the reference's photographs, where they are the visitor's own

    @cached_property
    def calibration(self) -> Calibration:
        """What its threshold rests on."""
        return Calibration(self.kind, round(float(self.weights.sum())))

    @property
    def size_bytes(self) -> int:
        """Memory of its tensors."""
        return self.reference.nbytes + self.distances.nbytes + self.weights.nbytes

    @torch.inference_mode()
    def judge(self, embeddings: Tensor) -> tuple[Novelty, ...]:
        """Say of embeddings (N, D) how unusual they are."""
        found, nearest = distances_to(self.reference, embeddings)
        at_least_as_far = self._weight_from[torch.searchsorted(self.distances, found.cpu())]
        p_values = (1 + at_least_as_far) / (1 + self.calibration.groups)
        columns = p_values.tolist(), found.tolist(), nearest.tolist()
        return tuple(
            Novelty(p_value=p, distance=far, nearest=self.keys[index] if self.keys else "")
            for p, far, index in zip(*columns, strict=True)
        )

    @cached_property
    def _weight_from(self) -> Tensor:
        """Weight of the distances from each place on, (M + 1,)."""
        return F.pad(self.weights.flip(0).cumsum(0).flip(0), (0, 1))


@dataclass(frozen=True, eq=False)
class Examples:
    """Embeddings (N, D) of photographs, with the group and the class of each.

    A group holds near copies, such as those of one recording, which are not independent.
    """

    embeddings: Tensor
    groups: Sequence[str]
    labels: Sequence[int]
    keys: Sequence[str] = ()


def fit_detector(
    taught: Examples, held_out: Examples | None, rough: Sequence[float] = ()
) -> NoveltyDetector | None:
    """Return a detector for what a model was taught with, or none where nothing calibrates it.

    Calibrated on photographs that it did not learn from where there are enough, else on its own,
    each left out in turn together with its group; that is approximate, since two of its distances
    may belong to one pair. With too few for both, on a general one.

    Args:
        taught: What the model learned from.
        held_out: Photographs of the same classes that it did not learn from, if there are any.
        rough: Distances that 20, 19, ... 1 % of new photographs exceed, on other data.
    """
    reference, kept = F.normalize(taught.embeddings.float(), dim=1).half(), tuple(taught.keys)
    if held_out is not None and len(set(held_out.groups)) >= ENOUGH_HELD_OUT:
        far, _ = distances_to(reference, held_out.embeddings)
        return _detector(reference, far, held_out.groups, "held out", kept)
    places = _with_company(taught)
    if len({taught.groups[place] for place in places}) >= LEAST_GROUPS:
        far = leave_one_out(reference, taught.groups)[places]
        groups = [taught.groups[place] for place in places]
        return _detector(reference, far, groups, "left out", kept)
    if not rough:
        return None
    distances, weights = torch.tensor([0.0, *rough]), torch.ones(len(rough) + 1)
    weights[0] = 99 - len(rough)  # those that lie nearer
    return NoveltyDetector(reference, distances, weights, "rough", kept)


def distances_to(reference: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine distances (N,) to the nearest of ``reference`` (R, D), and which it is (N,)."""
    unit = F.normalize(embeddings.float(), dim=1)
    similarity, nearest = (unit @ reference.float().T).max(1)
    return (1 - similarity).clamp(0, 2), nearest


def leave_one_out(reference: Tensor, groups: Sequence[str]) -> Tensor:
    """Return each one's cosine distance (R,) to the nearest of another group."""
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    of = torch.tensor([number[group] for group in groups], device=reference.device)
    unit = reference.float()
    similarity = (unit @ unit.T).masked_fill(of[:, None] == of, -1)
    return (1 - similarity.amax(1)).clamp(0, 2)


def _with_company(taught: Examples) -> list[int]:
    """Places of the photographs whose class has another group too; the rest calibrates nothing."""
    groups = defaultdict(set)
    for label, group in zip(taught.labels, taught.groups, strict=True):
        groups[label].add(group)
    return [place for place, label in enumerate(taught.labels) if len(groups[label]) > 1]


def _detector(
    reference: Tensor,
    distances: Tensor,
    groups: Sequence[str],
    kind: CalibrationKind,
    keys: tuple[str, ...],
) -> NoveltyDetector:
    sizes = Counter(groups)
    ascending, order = distances.cpu().sort()
    weights = torch.tensor([1 / sizes[group] for group in groups])[order]
    return NoveltyDetector(reference, ascending, weights, kind, keys)
