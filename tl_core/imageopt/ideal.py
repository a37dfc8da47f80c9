"""The ideal image's handler: a spec becomes a slot, and what the others say of the result."""

import dataclasses
import math
from typing import cast

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import channel_counts
from tl_core.backbones.store import OWN
from tl_core.context import Context, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.imageopt import augment
from tl_core.imageopt.losses import Watch, total_variation
from tl_core.imageopt.optimisers import OPTIMISERS
from tl_core.imageopt.pixels import PARAMETERISATIONS
from tl_core.imageopt.runner import BatchRunner, Photo, Seat
from tl_core.imageopt.slot import Slot, fresh_state, unit_box
from tl_core.images.codec import encode_png, fit, to_array
from tl_core.specs import (
    IdealImage,
    IdealSnapshot,
    Judge,
    PictureSnapshot,
    Snapshot,
    Verdict,
    Verdicts,
)
from tl_core.specs.recipes import Ramp, always

_CLASS_TERMS = ("logit", "cross_entropy", "rivals")
_LITE0_SPREAD = 2.3  # mean distance of its head's rows, one for each class, from their centre
_MOST = 1000.0
_LOUDNESS = 4.0  # of a channel beside total variation: patterns are clear, the last layers wake
SETTINGS_KEY = "settings"  # where a result's PNG keeps the JSON that replays it


class IdealRunner(BatchRunner[IdealImage]):
    """Ideal images that share networks, size and precision."""

    def __init__(self, context: Context, spec: IdealImage) -> None:
        super().__init__(context, (spec.backbone, *spec.also))
        self.precision = spec.precision

    def photo(self, spec: IdealImage, backbone: Backbone) -> Photo | None:
        """The photograph at the picture's size, if the spec names one."""
        if not spec.photo:
            return None
        row, side = backbone.row, spec.size or backbone.input_size
        resize = side * row.resize // row.input_size
        photo = self.context.photos.photo(spec.photo)
        return to_array(fit(photo, side, resize, row.interpolation))

    def slot(self, spec: IdealImage, photo: Photo | None) -> Slot:
        """A slot with the recipe's numbers and the job's own random numbers."""
        if spec.steps > self.context.settings.max_steps:
            raise UserError(
                "steps must be at most {limit} here, got {steps}. Choose fewer steps.",
                limit=self.context.settings.max_steps,
                steps=spec.steps,
            )
        recipe, device = spec.row, self.context.device
        generator = torch.Generator(device).manual_seed(spec.seed)
        drawing = PARAMETERISATIONS[recipe.parameterisation]
        if photo is None:
            side = spec.size or self.backbones[0].input_size
            parameters = drawing.noise(side, generator).unsqueeze(0)
        else:
            parameters = drawing.encode(pixels_from(photo, device))
        slot = Slot(
            parameterisation=drawing,
            state=fresh_state(parameters),
            aim=self._aim(spec),
            generator=generator,
            steps=spec.steps,
            optimiser=OPTIMISERS[spec.optimiser or recipe.optimiser],
            learning_rate=spec.control("learning_rate"),
            rate=recipe.rate,
            decay=recipe.decay,
            terms=self._terms(spec),
            camera=recipe.camera,
            reach=recipe.reach,
            noise=recipe.noise,
            branches=recipe.branches,
            watch=self._watch(spec),
            constraint=unit_box if recipe.parameterisation == "pixels" else None,
        )
        self.steer(slot, spec)
        return slot

    def _terms(self, spec: IdealImage) -> dict[str, Ramp]:
        if spec.layer:  # nothing else: statistics of photographs would draw what was in those
            return {"activation": always(_LOUDNESS)}
        factor = _quietness(self.backbones[0])
        return {n: r.times(factor) if n in _CLASS_TERMS else r for n, r in spec.row.terms}

    def steer(self, slot: Slot, spec: IdealImage) -> None:
        """Set total variation, learning rate, camera and the mix of classes."""
        slot.tv_weight = spec.control("tv_weight")
        slot.learning_rate = spec.control("learning_rate")
        slot.strength = spec.control("augmentation")
        slot.aim = self._aim(spec)

    def snapshot(self, seat: Seat, pixels: Tensor) -> IdealSnapshot:
        """What the network says of the picture as a file would hold it."""
        backbone = self.backbones[0]
        with torch.inference_mode():
            probs = backbone.logits(augment.resize(pixels, backbone.input_size)).softmax(1)
            probability = probs[0][seat.slot.aim > 0].sum().item()
        return IdealSnapshot(
            probability=math.nan if seat.slot.watch else probability,
            total_variation=total_variation(pixels).item(),
        )

    def encoded(self, snapshot: PictureSnapshot, picture: Photo) -> PictureSnapshot:
        """The snapshot with a PNG that holds its settings."""
        png = encode_png(picture, text={SETTINGS_KEY: snapshot.settings})
        return dataclasses.replace(snapshot, png=png)

    def record(self, seat: Seat) -> IdealImage:
        """The spec with its moves, that ends where the picture is now."""
        spec = cast(IdealImage, seat.spec)
        until = seat.slot.step if seat.slot.step < spec.steps else 0
        return dataclasses.replace(spec, moves=tuple(seat.moves), until=until)

    def is_done(self, seat: Seat) -> bool:
        """Whether the picture has reached its last step, or the one the spec stops at."""
        spec = cast(IdealImage, seat.spec)
        return seat.slot.step >= (spec.until or spec.steps)

    def _aim(self, spec: IdealImage) -> Tensor:
        count = len(self.backbones[0].classes)
        for target in (spec.target, spec.second_target) if spec.mix > 0 else (spec.target,):
            if target >= count and not spec.layer:
                raise UserError(
                    "target must be a class between 0 and {last}, got {target}. This network "
                    "knows {count} classes.",
                    last=count - 1,
                    target=target,
                    count=count,
                )
        aim = torch.zeros(count)
        if not spec.layer:
            aim[spec.target] += 1 - spec.mix
            aim[min(spec.second_target, count - 1)] += spec.mix
        return aim.to(self.context.device)

    def _watch(self, spec: IdealImage) -> Watch | None:
        if not spec.layer:
            return None
        backbone = self.backbones[0]
        counts = channel_counts(backbone.row)
        if spec.layer not in counts:
            raise UserError(
                "{label} has no layer called {layer}. Choose one of: {layers}.",
                label=backbone.label,
                layer=spec.layer,
                layers=", ".join(counts),
            )
        count = counts[spec.layer]
        if spec.channel >= count:
            raise UserError(
                "channel must be between 0 and {last} in {layer}, got {channel}.",
                last=count - 1,
                layer=spec.layer,
                channel=spec.channel,
            )
        return Watch(spec.layer, spec.channel, spec.is_unit)


def _quietness(backbone: Backbone) -> float:
    """How many times quieter a visitor's own head is than the one the recipes are written for.

    A head that has seen few photographs has small weights; without this the picture would listen
    to its smoothness alone.
    """
    if not backbone.key.startswith(OWN):
        return 1.0
    (weight,) = (m.weight for m in backbone.head.modules() if isinstance(m, nn.Linear))
    spread = (weight - weight.mean(dim=0)).norm(dim=1).mean().item()
    return min(_LITE0_SPREAD / spread, _MOST) if spread > 0 else 1.0


def judge(job: Job, context: Context) -> Sliced[Snapshot]:
    """Ask every backbone that is ready and knows the same classes, one after another."""
    spec = job.spec
    assert isinstance(spec, Judge)  # narrows for the type checker; the lab sends no other
    photo = yield from context.aside(context.photos.photo, spec.photo)
    drawer = context.backbones.loaded(spec.backbone)
    ready = context.backbones.ready()
    verdicts: tuple[Verdict, ...] = ()
    for row in ready:
        backbone = yield from context.backbone(row.key)
        if drawer is not None and backbone.classes != drawer.classes:
            continue  # its class of that number is another
        pixels = pixels_from(to_array(photo), context.device)
        with torch.inference_mode():
            probs = backbone.logits(augment.resize(pixels, row.input_size)).softmax(1)[0]
        verdicts = (*verdicts, _verdict(backbone, probs, spec.target))
        job.publish(Verdicts(step=len(verdicts), steps=len(ready), verdicts=verdicts))
        yield None
    return Verdicts(step=len(ready), steps=max(len(ready), 1), verdicts=verdicts)


def _verdict(backbone: Backbone, probs: Tensor, target: int) -> Verdict:
    if target >= len(backbone.classes):
        raise UserError(
            "target must be a class between 0 and {last}, got {target}.",
            last=len(backbone.classes) - 1,
            target=target,
        )
    top = int(probs.argmax())
    return Verdict(
        backbone=backbone.key,
        label=backbone.label,
        probability=float(probs[target]),
        top=top,
        top_name=backbone.classes[top],
        top_probability=float(probs[top]),
    )
