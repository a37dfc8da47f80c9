"""The handler of ``Attribute``: a map for each method and class, then proof for each map."""

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context, fitted, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.features.activations import stage_of
from tl_core.features.attribution_methods import METHODS, Options
from tl_core.features.faithfulness import blurred_variants, faithfulness_of
from tl_core.features.pixel_model import PixelModel
from tl_core.images.codec import encode_jpeg, encode_png
from tl_core.images.heat import encode_heat, lay_over
from tl_core.specs import Snapshot
from tl_core.specs.attribution import (
    ATTRIBUTION_METHODS,
    Attribute,
    AttributeSnapshot,
    AttributionMap,
    ExplainedClass,
)

Photo: TypeAlias = NDArray[np.uint8]
Values: TypeAlias = NDArray[np.float32]  # (S, S)

_ROWS = {row.key: row for row in ATTRIBUTION_METHODS}
_FULL_HEAT_PERCENTILE = 99.5  # a gradient's few extreme pixels would leave all others faint


def run(job: Job, context: Context) -> Sliced[Snapshot]:
    """Draw the maps one method after another, then measure how faithful each is."""
    spec = job.spec
    assert isinstance(spec, Attribute)  # the lab chose this handler by the spec's type
    backbone = yield from context.backbone(spec.backbone)
    photo = yield from context.aside(fitted, context.photos, spec.photo, backbone)
    network, pixels = PixelModel(backbone), pixels_from(photo, context.device)
    _check(spec, backbone)
    probabilities = network.probabilities(pixels)[0].tolist()
    yield None
    options = _options(spec, backbone, probabilities)
    answer = _Answer(
        job=job,
        context=context,
        network=network,
        photo=photo,
        pixels=pixels,
        options=options,
        snapshot=_opening(spec, backbone, options, photo, probabilities),
    )
    for key in spec.methods:
        yield from answer.ask(key, spec.strength)
    for index in range(len(answer.snapshot.maps)):
        yield from answer.prove(index)
    return answer.snapshot


def _check(spec: Attribute, backbone: Backbone) -> None:
    """Refuse what this network cannot answer, before any work."""
    for target in spec.targets:
        if not 0 <= target < len(backbone.classes):
            raise UserError(
                "{label} knows the classes 0 to {last}, got {target}. Choose one of them.",
                label=backbone.label,
                last=len(backbone.classes) - 1,
                target=target,
            )
    if "guided_gradcam" in spec.methods and backbone.row.guided_obstacle:
        raise UserError(
            "Guided Grad-CAM is right only where every activation is a ReLU of its own, and "
            "{label} has {obstacle}. Choose VGG-16 or another method.",
            label=backbone.label,
            obstacle=backbone.row.guided_obstacle,
        )


def _options(spec: Attribute, backbone: Backbone, probabilities: list[float]) -> Options:
    """Fill in what the spec leaves open: the likeliest two classes, the last stage."""
    ranked = sorted(range(len(probabilities)), key=lambda target: -probabilities[target])
    return Options(
        targets=spec.targets or tuple(ranked[:2]),
        layer=stage_of(backbone.row, spec.layer or backbone.row.stages[-1].layer).layer,
        steps=spec.steps,
        noise_samples=spec.noise_samples,
        patch=spec.patch,
        seed=spec.seed,
    )


def _opening(
    spec: Attribute,
    backbone: Backbone,
    options: Options,
    photo: Photo,
    probabilities: list[float],
) -> AttributeSnapshot:
    side = photo.shape[0]
    slices = sum(METHODS[key].slices(options, side) for key in spec.methods)
    return AttributeSnapshot(
        steps=slices + len(options.targets) * len(spec.methods),  # one more to prove each map
        photo=encode_png(photo),
        side=side,
        classes=tuple(
            ExplainedClass(
                target=target, label=backbone.classes[target], probability=probabilities[target]
            )
            for target in options.targets
        ),
    )


@dataclass(kw_only=True)
class _Answer:
    """One job's answer as it grows."""

    job: Job
    context: Context
    network: PixelModel
    photo: Photo
    pixels: Tensor
    options: Options
    snapshot: AttributeSnapshot
    values: list[Values] = field(default_factory=list)  # of each map in the snapshot

    def ask(self, key: str, strength: float) -> Sliced[None]:
        """Add the maps of method ``key``, one for each class."""
        method = METHODS[key]
        raw = yield from self._counted(method.run(self.network, self.pixels, self.options))
        expected: list[float] | list[None] = [None] * len(self.options.targets)
        if method.expected is not None:
            expected = method.expected(self.network, self.pixels, self.options) or expected
        self.values += list(raw.numpy())
        drawn = yield self.context.pool.submit(
            _drawn, key, self.options, self.photo, raw.numpy(), expected, strength
        )
        self._show(maps=(*self.snapshot.maps, *drawn))

    def prove(self, index: int) -> Sliced[None]:
        """Measure the faithfulness of the map ``index``."""
        shown = self.snapshot.maps[index]
        variants = yield self.context.pool.submit(
            blurred_variants, self.photo, self.values[index], self.options.seed
        )
        pictures = torch.cat([pixels_from(variant, self.context.device) for variant in variants])
        probabilities = self.network.probabilities(pictures)[:, shown.target].tolist()
        proven = dataclasses.replace(shown, faithfulness=faithfulness_of(probabilities))
        maps = self.snapshot.maps
        self._show(steps_done=1, maps=(*maps[:index], proven, *maps[index + 1 :]))
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

    def _show(self, *, steps_done: int = 0, **changed: Any) -> None:
        step = self.snapshot.step + steps_done
        self.snapshot = dataclasses.replace(self.snapshot, step=step, **changed)
        self.job.publish(self.snapshot)


def _drawn(
    key: str,
    options: Options,
    photo: Photo,
    raw: Values,  # (T, S, S)
    expected: list[float] | list[None],
    strength: float,
) -> list[AttributionMap]:
    """Draw one method's maps; for the pool."""
    maps = []
    for target, values, sum_expected in zip(options.targets, raw, expected, strict=True):
        limit = float(np.percentile(np.abs(values), _FULL_HEAT_PERCENTILE)) or 1.0
        down, across = np.unravel_index(np.argmax(values), values.shape)
        heat = np.clip(values / limit, -1, 1)
        maps.append(
            AttributionMap(
                method=key,
                target=target,
                layer=options.layer if _ROWS[key].needs_layer else "",
                overlay=encode_jpeg(lay_over(photo, heat, strength)),
                heat=encode_heat(heat),
                limit=limit,
                peak=(int(across), int(down)),
                total=float(values.sum(dtype=np.float64)),
                expected=sum_expected,
            )
        )
    return maps
