"""The handler of ``Attribute``: a map for each method and class, then proof for each map."""

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.attribution.faithfulness import blurred_variants, faithfulness_of
from tl_core.attribution.methods import METHODS
from tl_core.attribution.pixel_model import PixelModel
from tl_core.backbones.backbone import Backbone, read_answers
from tl_core.context import Context, fitted, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import Phrase, UserError
from tl_core.feature_maps.activations import stage_of
from tl_core.images.encode import encode_jpeg, encode_png
from tl_core.images.heatmap import encode_heatmap, overlay
from tl_core.images.photo import PhotoArray
from tl_core.specs.attribution import (
    ATTRIBUTION_METHODS,
    Attribute,
    AttributeSnapshot,
    AttributionMap,
    ExplainedClass,
)

Values: TypeAlias = NDArray[np.float32]  # (S, S)

_ROWS = {row.key: row for row in ATTRIBUTION_METHODS}
_LIMIT_PERCENTILE = 99.5  # a gradient's few extreme pixels would leave all others faint


def run(job: Job[Attribute], context: Context) -> Sliced[AttributeSnapshot]:
    """Draw the maps one method after another, then measure how faithful each is."""
    spec = job.spec
    backbone = yield from context.backbone(spec.backbone)
    photo = yield from context.in_pool(fitted, context.photos, spec.photo, backbone.row)
    _check(spec, backbone)
    model = PixelModel(backbone, spec.contrast, photos_at_once=context.photos_at_once())
    pixels = pixels_from(photo, context.device)
    probabilities = read_answers(model.scores(pixels)).softmax(1)[0].tolist()
    yield None
    spec = _chosen(spec, backbone, probabilities)
    maps = _Maps(
        job=job,
        context=context,
        model=model,
        photo=photo,
        pixels=pixels,
        spec=spec,
        snapshot=_first_snapshot(spec, backbone, photo, probabilities),
    )
    for key in spec.methods:
        yield from maps.add(key)
    for index in range(len(maps.snapshot.maps)):
        yield from maps.measure_faithfulness(index)
    return maps.snapshot


def _check(spec: Attribute, backbone: Backbone) -> None:
    """Refuse what this network cannot answer, before any work."""
    for target in (*spec.targets, spec.contrast):
        if target is not None and not 0 <= target < len(backbone.classes):
            raise UserError(
                "{label} knows classes 0 to {last}, so there is no class {target}. Choose one of "
                "those.",
                label=backbone.label,
                last=len(backbone.classes) - 1,
                target=target,
            )
    if "guided_gradcam" in spec.methods and backbone.row.guided_obstacle:
        raise UserError(
            "Guided Grad-CAM only works with networks that use plain ReLUs, each just once, but "
            "{label} has {obstacle}. Choose VGG-16 or another method.",
            label=backbone.label,
            obstacle=Phrase(backbone.row.guided_obstacle),
        )


def _chosen(spec: Attribute, backbone: Backbone, probabilities: list[float]) -> Attribute:
    """Fill in what the spec leaves open: the likeliest class or classes, the last stage."""
    ranked = sorted(range(len(probabilities)), key=lambda target: -probabilities[target])
    likeliest = ranked[:2]
    if spec.contrast is not None:
        likeliest = [target for target in likeliest if target != spec.contrast][:1]
    layer = stage_of(backbone.row, spec.layer or backbone.row.stages[-1].layer).layer
    return dataclasses.replace(spec, targets=spec.targets or tuple(likeliest), layer=layer)


def _first_snapshot(
    spec: Attribute, backbone: Backbone, photo: PhotoArray, probabilities: list[float]
) -> AttributeSnapshot:
    side = photo.shape[0]
    slices = sum(METHODS[key].slices(spec, side) for key in spec.methods)

    def explained(target: int) -> ExplainedClass:
        label, probability = backbone.classes[target], probabilities[target]
        return ExplainedClass(target=target, label=label, probability=probability)

    return AttributeSnapshot(
        steps=slices + len(spec.targets) * len(spec.methods),  # and the faithfulness of each map
        photo=encode_png(photo),
        side=side,
        classes=tuple(map(explained, spec.targets)),
        contrast=None if spec.contrast is None else explained(spec.contrast),
    )


@dataclass(kw_only=True)
class _Maps:
    """One job's maps as they grow."""

    job: Job[Attribute]
    context: Context
    model: PixelModel
    photo: PhotoArray
    pixels: Tensor
    spec: Attribute  # with the targets and the layer that were chosen
    snapshot: AttributeSnapshot
    values: list[Values] = field(default_factory=list)  # of each map in the snapshot

    def add(self, key: str) -> Sliced[None]:
        """Add the maps of method ``key``, one for each class."""
        method = METHODS[key]
        raw = read_answers(
            (yield from self._counted(method.run(self.model, self.pixels, self.spec)))
        )
        expected: list[float] | list[None] = [None] * len(self.spec.targets)
        if method.expected is not None:
            expected = method.expected(self.model, self.pixels, self.spec) or expected
        self.values += list(raw.numpy())
        drawn = yield from self.context.in_pool(self._draw, key, raw.numpy(), expected)
        self._show(maps=(*self.snapshot.maps, *drawn))

    def measure_faithfulness(self, index: int) -> Sliced[None]:
        """Add to the map ``index`` how far the class falls without what it shows."""
        shown = self.snapshot.maps[index]
        variants = yield from self.context.in_pool(
            blurred_variants, self.photo, self.values[index], self.spec.seed
        )
        pictures = torch.cat([pixels_from(variant, self.context.device) for variant in variants])
        shares = read_answers(self.model.shares(pictures))[:, shown.target].tolist()
        measured = dataclasses.replace(shown, faithfulness=faithfulness_of(shares))
        maps = self.snapshot.maps
        self._show(steps_done=1, maps=(*maps[:index], measured, *maps[index + 1 :]))
        yield None

    def _counted(self, slices: Generator[None, None, Tensor]) -> Sliced[Tensor]:
        """Pass a method's slices on, counting each as a step; return what it returns."""
        while True:
            try:
                next(slices)
            except StopIteration as end:
                maps: Tensor = end.value
                return maps
            self._show(steps_done=1)
            yield None

    def _draw(
        self, key: str, raw: NDArray[np.float32], expected: list[float] | list[None]
    ) -> list[AttributionMap]:
        """Draw one method's maps (T, S, S); for the pool."""
        spec, maps = self.spec, []
        for target, values, sum_expected in zip(spec.targets, raw, expected, strict=True):
            limit = float(np.percentile(np.abs(values), _LIMIT_PERCENTILE)) or 1.0
            down, across = np.unravel_index(np.argmax(values), values.shape)
            heatmap = np.clip(values / limit, -1, 1)
            drawn = overlay(self.photo, heatmap, spec.strength)
            maps.append(
                AttributionMap(
                    method=key,
                    target=target,
                    layer=spec.layer if _ROWS[key].needs_layer else "",
                    overlay=encode_jpeg(drawn),
                    heatmap=encode_heatmap(heatmap),
                    limit=limit,
                    peak=(int(across), int(down)),
                    total=float(values.sum(dtype=np.float64)),
                    expected=sum_expected,
                )
            )
        return maps

    def _show(self, *, steps_done: int = 0, **changed: Any) -> None:
        step = self.snapshot.step + steps_done
        self.snapshot = dataclasses.replace(self.snapshot, step=step, **changed)
        self.job.publish(self.snapshot)
