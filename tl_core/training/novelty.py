"""How a trained model learns to say "none of these": from its photographs, once it is done."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.novelty import MOST_REFERENCES, Examples, NoveltyDetector, fit_detector
from tl_core.backbones.rough_distances import ROUGH_DISTANCES
from tl_core.datasets.dataset import Example, sample_per_class
from tl_core.engine.runner import Sliced
from tl_core.training.embeddings import Extractor, embeddings, extract
from tl_core.training.inputs import PhotoSource
from tl_core.training.trainable import TrainableModel

Judged = dict[str, float]  # p-values by the photographs' keys


def novelty_of(
    model: TrainableModel,
    trained: Backbone,
    source: PhotoSource,
    train: Sequence[Example],
    validation: Sequence[Example],
    *,
    something_else: str = "",
) -> Sliced[tuple[NoveltyDetector | None, Judged]]:
    """Return the detector of a trained model, and what it says of the validation photographs.

    What is in the class ``something_else`` is none of the others, so it is no reference; such a
    model is calibrated on what it learned from, and the validation photographs compare the two.
    Those that calibrate a detector are not judged by it. Under a new head the embeddings are those
    that it learned from; of a changed network they are computed here.
    """
    classes = source.dataset.classes
    other = classes.index(something_else) if something_else in classes else None
    known = [example for example in train if example.label != other]
    taught = sample_per_class(known, MOST_REFERENCES // len(classes), seed=0)
    if not taught:
        return None, {}
    rows = yield from rows_of(model, trained, source, (*taught, *validation))
    held_out = None if other is not None else _examples(rows[len(taught) :], validation)
    is_frozen = model.unfrozen == "head" and model.start.key in ROUGH_DISTANCES
    detector = fit_detector(
        replace(_examples(rows[: len(taught)], taught), keys=_keys(taught, source)),
        held_out,
        ROUGH_DISTANCES[model.start.key] if is_frozen else (),
    )
    if detector is None or detector.kind == "held out" or not validation:
        return detector, {}
    judged = detector.judge(rows[len(taught) :])
    return detector, {
        example.key: novelty.p_value for example, novelty in zip(validation, judged, strict=True)
    }


def rows_of(
    model: TrainableModel, trained: Backbone, source: PhotoSource, examples: Sequence[Example]
) -> Sliced[Tensor]:
    """Return the embeddings (N, D) of photographs, the frozen network's under a new head."""
    if model.unfrozen == "head":
        return (yield from embeddings(source, model.start, examples))
    return (yield from extract(source, Extractor(trained, trained.body), examples, mirrored=False))


def _examples(rows: Tensor, examples: Sequence[Example]) -> Examples:
    groups = [example.burst or example.key for example in examples]
    return Examples(rows, groups, [example.label for example in examples])


def _keys(examples: Iterable[Example], source: PhotoSource) -> tuple[str, ...]:
    """Of a visitor's own photographs, which their pages can show; of no others."""
    return tuple(e.key for e in examples) if source.dataset.is_private else ()
