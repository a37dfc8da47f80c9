"""Figures about training: ``python -m tl_core bench train [--data DIR] [--json]``.

Extraction against a plain loop, the head's seconds, accuracies; on a GPU unfrozen training against
torchvision's fine-tuning tutorial.
"""

import argparse
import copy
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torchvision.transforms import v2

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import untrained
from tl_core.backbones.store import BackboneStore
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example
from tl_core.datasets.store import DatasetStore
from tl_core.engine.job import Job
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.images.photo_store import PhotoStore
from tl_core.local.handlers import make_runner
from tl_core.machine.process_memory import keep_freed_memory
from tl_core.settings import Settings
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.training import FineTune, FineTuneSnapshot
from tl_core.training.data import open_dataset
from tl_core.training.embeddings import embeddings
from tl_core.training.inputs import PhotoInputs, PhotoSource
from tl_core.training.loop import TrainingLoop
from tl_core.training.progress import Progress
from tl_core.training.trainable import TrainableModel

CATS_AND_DOGS, BREEDS = "cats_vs_dogs", "pet_breeds"
_PLAIN_PHOTOS = 96
_TUTORIAL_BATCH = 64
_TUTORIAL_PHOTOS = 2048
_TIMED_STEPS = 60
_WARM_UP_STEPS = 15

Figures = dict[str, Any]


def main(argv: Sequence[str]) -> int:
    """Measure and print; the exit status is 0 unless nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench train")
    parser.add_argument("--data", type=Path, default=Settings.from_env().data_dir)
    parser.add_argument("--part", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    keep_freed_memory()
    chosen = PARTS if arguments.part == "all" else {arguments.part: PARTS[arguments.part]}
    figures: Figures = {}
    with lab(arguments.data) as context:
        for measure in chosen.values():
            figures |= measure(context)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:48} {value:.4g}" if isinstance(value, float) else f"{name:48} {value}")
    return 0 if figures else 1


@contextmanager
def lab(data_dir: Path) -> Iterator[Context]:
    """A context with an empty cache."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pool = Pool()
    with tempfile.TemporaryDirectory() as cache:
        settings = replace(Settings.from_env(), data_dir=data_dir, cache_dir=Path(cache))
        store = BackboneStore(settings, device)
        photos = PhotoStore(2**26, settings.max_pixels)
        yield Context(
            settings, device, store, photos, DatasetStore(settings), pool, VisitorMemory(2**30)
        )
    pool.close()


def turn(spec: Spec, context: Context) -> Snapshot:
    """Run a spec's handler to its end; the last snapshot."""
    job = Job(spec, "bench")
    runner = make_runner(job, context)
    while runner.jobs:
        parked = runner.advance()
        if parked is not None:
            parked.exception()
    if job.snapshot is None:
        raise RuntimeError(f"{spec} published nothing")
    return job.snapshot


def fine_tuned(context: Context, **fields: Any) -> FineTuneSnapshot:
    end = turn(FineTune(**fields), context)
    if not isinstance(end, FineTuneSnapshot):
        raise TypeError(type(end))
    return end


def accuracy(end: FineTuneSnapshot) -> float:
    if end.result is None:
        raise RuntimeError("the run did not end")
    return end.result.accuracy


def finish(work: Any) -> Any:
    """Turn a generator that yields futures to its end; what it returns."""
    try:
        sent = None
        while True:
            parked = work.send(sent)
            sent = parked.result() if parked is not None else None
    except StopIteration as end:
        return end.value


def extraction(context: Context) -> Figures:
    """Photographs a second into embeddings, ours and the plain loop, both with decoding."""
    job = Job(FineTune(dataset=CATS_AND_DOGS), "bench")
    dataset = finish(open_dataset(job, context, job.spec, lambda *_: None))
    backbone = context.backbones.load(job.spec.backbone)
    sample = dataset.examples[::3]  # both classes
    began = time.perf_counter()
    finish(embeddings(PhotoSource(context, dataset, "bench", lambda *_: None), backbone, sample))
    ours = len(sample) / (time.perf_counter() - began)
    plain = plain_loop(backbone, dataset, sample[:: len(sample) // _PLAIN_PHOTOS])
    return {"extraction, photographs/s": ours, "extraction by the plain loop, photographs/s": plain}


def plain_loop(backbone: Backbone, dataset: Dataset, examples: Sequence[Example]) -> float:
    """Photographs a second of the loop that a beginner writes: one by one, fp32, contiguous."""
    row = backbone.row
    see = torchvision.transforms.Compose(
        [
            torchvision.transforms.Resize(row.resize),
            torchvision.transforms.CenterCrop(row.input_size),
            torchvision.transforms.ToTensor(),
            torchvision.transforms.Normalize(row.mean, row.std),
        ]
    )
    body = copy.deepcopy(backbone.body).to(memory_format=torch.contiguous_format)
    began = time.perf_counter()
    with torch.no_grad():
        for example in examples:
            photo = Image.open(io.BytesIO(dataset.read(example))).convert("RGB")
            body(see(photo)[None].to(backbone.device))
    return len(examples) / (time.perf_counter() - began)


def heads(context: Context) -> Figures:
    """Cats and dogs: accuracy and seconds of the head, all photographs and 8 a class."""
    spec = {"dataset": CATS_AND_DOGS}
    first = fine_tuned(context, **spec)
    second = fine_tuned(context, **spec)
    few = [fine_tuned(context, **spec, photos_per_class=8, seed=seed) for seed in range(5)]
    trained = second.epochs[-1].seconds
    return {
        "cats and dogs, head, accuracy": accuracy(first),
        "head on kept features, whole run, s": trained,
        "cats and dogs, 8 a class, mean accuracy of 5 seeds": fmean(map(accuracy, few)),
    }


def unfrozen(context: Context) -> Figures:
    """Cats and dogs: the other ways."""
    figures: Figures = {}
    for mode in ("pixels", "last-block", "full", "scratch"):
        end = fine_tuned(context, dataset=CATS_AND_DOGS, mode=mode)
        figures[f"cats and dogs, {mode}, accuracy"] = accuracy(end)
        figures[f"cats and dogs, {mode}, s"] = end.seconds
        figures |= alone(end, f"cats and dogs, {mode}")
    return figures


def alone(end: FineTuneSnapshot, name: str) -> Figures:
    """What the unfrozen network reached by itself, and whether the head was kept instead."""
    if end.result is None or end.result.unfrozen_accuracy is None:
        return {}
    return {
        f"{name}, unfrozen at its best": end.result.unfrozen_accuracy,
        f"{name}, head kept": end.result.is_head_alone,
    }


def breeds(context: Context) -> Figures:
    """Twelve pet breeds, top-1 and top-3."""
    figures: Figures = {}
    for mode in ("head", "last-block", "full"):
        end = fine_tuned(context, dataset=BREEDS, mode=mode)
        figures[f"12 breeds, {mode}, top-1"] = accuracy(end)
        figures[f"12 breeds, {mode}, top-3"] = end.result.top3 if end.result else None
        figures[f"12 breeds, {mode}, interval"] = end.result.interval if end.result else None
        figures |= alone(end, f"12 breeds, {mode}")
    return figures


def digits(context: Context) -> Figures:
    """The lesson's challenge: what ImageNet is worth on handwritten digits."""
    figures: Figures = {}
    for mode in ("pixels", "head", "last-block", "full", "scratch"):
        end = fine_tuned(context, dataset="digits", mode=mode, max_validation=540)
        figures[f"digits, {mode}, accuracy"] = accuracy(end)
        figures |= alone(end, f"digits, {mode}")
    return figures


def against_the_tutorial(context: Context) -> Figures:
    """Unfrozen ResNet-50 on a GPU: photographs a second, ours and torchvision's tutorial loop."""
    if context.device.type != "cuda":
        return {}
    with tempfile.TemporaryDirectory() as folder:
        paths = _jpegs(Path(folder))
        tutorial = tutorial_loop(paths, context.device)
        ours = our_loop(context)
    return {
        "device": torch.cuda.get_device_name(),
        "ResNet-50 unfrozen, photographs/s": ours,
        "ResNet-50 unfrozen by the tutorial's loop, photographs/s": tutorial,
        "ratio": ours / tutorial,
    }


def _jpegs(folder: Path) -> list[Path]:
    """Photographs of 320 × 256 pixels, about as large as the cats and dogs."""
    generator = np.random.default_rng(0)
    paths = []
    for number in range(_TUTORIAL_PHOTOS):
        small = generator.integers(0, 255, (8, 10, 3), np.uint8)
        path = folder / f"class{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(small).resize((320, 256), Image.Resampling.BICUBIC).save(path, quality=90)
        paths.append(path)
    return paths


def tutorial_loop(paths: list[Path], device: torch.device) -> float:
    """Torchvision's fine-tuning tutorial: fp32, SGD with momentum, a DataLoader with 4 workers.

    Source:
        https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html
    """
    see = v2.Compose(
        [
            v2.RandomResizedCrop(224),
            v2.RandomHorizontalFlip(),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    photos = torchvision.datasets.ImageFolder(str(paths[0].parents[1]), see)
    loader = torch.utils.data.DataLoader(
        photos, batch_size=_TUTORIAL_BATCH, shuffle=True, num_workers=4, drop_last=True
    )
    model = torchvision.models.resnet50(weights=None)
    model.fc = torch.nn.Linear(model.fc.in_features, 2)
    model = model.to(device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    model.train()
    running_loss, running_hits, count, began = 0.0, torch.zeros((), device=device), 0, 0.0
    for epoch in range(3):
        for inputs, labels in loader:
            inputs, labels = inputs.to(device), labels.to(device)
            optimiser.zero_grad()
            outputs = model(inputs)
            loss = F.cross_entropy(outputs, labels)
            loss.backward()
            optimiser.step()
            running_loss += loss.item() * inputs.size(0)
            running_hits += torch.sum(outputs.argmax(1) == labels)
            count += len(labels) if epoch else 0
        if not epoch:  # the first is for warming up
            torch.cuda.synchronize()
            began = time.perf_counter()
    torch.cuda.synchronize()
    return count / (time.perf_counter() - began)


def our_loop(context: Context) -> float:
    """The lab's own updates on photographs that reside on the device, mirrored at random."""
    backbone = untrained(context.backbones.row("resnet50"), context.device, seed=0)
    model = TrainableModel(backbone, ("a", "b"), unfrozen="all", trains_batch_norm=True, seed=0)
    spec = FineTune(
        dataset="none",
        backbone="resnet50",
        mode="full",
        optimiser="momentum",
        batch_size=_TUTORIAL_BATCH,
        augmentation="strong",
        epochs=1,
    )
    job = Job(spec, "bench")
    progress = Progress(job, FineTuneSnapshot(phase="bench"))
    examples = [Example(str(n), n % 2, str(n)) for n in range(_TUTORIAL_PHOTOS)]
    source: PhotoSource = None  # type: ignore[assignment]  # nothing is read from it
    train = PhotoInputs(source, model, examples, spec.augmentation, 0)
    pixels = torch.randint(0, 255, (_TUTORIAL_PHOTOS, 224, 224, 3), dtype=torch.uint8)
    train.kept = pixels.to(context.device).permute(0, 3, 1, 2)
    loop = TrainingLoop(job, model, train, train, progress)
    finish(loop.train_epoch(0))
    torch.cuda.synchronize()
    began = time.perf_counter()
    for epoch in range(3):
        finish(loop.train_epoch(epoch))
    torch.cuda.synchronize()
    return 3 * _TUTORIAL_PHOTOS / (time.perf_counter() - began)


PARTS = {
    "extraction": extraction,
    "heads": heads,
    "unfrozen": unfrozen,
    "breeds": breeds,
    "digits": digits,
    "tutorial": against_the_tutorial,
}

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
