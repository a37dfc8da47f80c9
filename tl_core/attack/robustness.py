"""Whom else a finished attack fools: other networks, after image changes, at full size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tl_core.attack.success import ClassGoal, answer, goal_of
from tl_core.backbones.backbone import Backbone
from tl_core.classify.ranking import top_classes
from tl_core.context import Context, fitted
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.images.compare import gap
from tl_core.images.decode import read_back
from tl_core.images.encode import encode_png
from tl_core.images.photo import Photo, PhotoArray, crop_box, to_array
from tl_core.images.transforms import TRANSFORMS
from tl_core.specs.attack import (
    Checked,
    Opinion,
    PasteBack,
    PasteBackSnapshot,
    Survival,
    SurvivalSnapshot,
    Transfer,
    TransferSnapshot,
    Trial,
)
from tl_core.specs.base import Snapshot

_ROUNDS = 12  # corrections of the pasted change
Loaded = tuple[Backbone, Photo, Photo, ClassGoal]  # the network, the attacked, the original


def _load(spec: Checked, context: Context) -> Sliced[Loaded]:
    backbone = yield from context.backbone(spec.backbone)
    attacked = yield from context.in_pool(context.photos.photo, spec.photo)
    original = yield from context.in_pool(context.photos.photo, spec.original)
    goal = goal_of(spec, answer(backbone, original).tolist())
    return backbone, attacked, original, goal


def transfer(job: Job[Transfer], context: Context) -> Sliced[Snapshot]:
    """Ask every backbone that is ready and knows the same classes, one after another."""
    spec = job.spec
    first, attacked, original, goal = yield from _load(spec, context)
    ready = [row.key for row in context.backbones.ready()]
    known = dict.fromkeys((spec.backbone, *spec.also, *ready))
    keys = [key for key in known if context.backbones.classes(key) == first.classes]
    opinions: tuple[Opinion, ...] = ()
    for key in keys:
        backbone = yield from context.backbone(key)
        is_target = key == spec.backbone or key in spec.also
        opinion = _opinion(backbone, original, attacked, goal, was_attacked=is_target)
        opinions = (*opinions, opinion)
        job.publish(TransferSnapshot(step=len(opinions), steps=len(keys), opinions=opinions))
        yield None
    return TransferSnapshot(step=len(keys), steps=len(keys), opinions=opinions)


def _opinion(
    backbone: Backbone, original: Photo, attacked: Photo, goal: ClassGoal, *, was_attacked: bool
) -> Opinion:
    before, after = answer(backbone, original), answer(backbone, attacked)
    return Opinion(
        backbone=backbone.key,
        label=backbone.label,
        was_attacked=was_attacked,
        before=top_classes(before.tolist(), backbone.classes, 1)[0],
        after=top_classes(after.tolist(), backbone.classes, 1)[0],
        probability=goal.probability(after),
        is_fooled=goal.is_reached(after),
    )


def survival(job: Job[Survival], context: Context) -> Sliced[Snapshot]:
    """Ask again after each transform of the picture as it was saved."""
    spec = job.spec
    backbone, attacked, _original, goal = yield from _load(spec, context)
    found = SurvivalSnapshot(steps=len(TRANSFORMS))
    for transform in TRANSFORMS:
        changed = yield from context.in_pool(transform.apply, attacked)
        png = yield from context.in_pool(encode_png, changed)
        logits = answer(backbone, changed)
        trial = Trial(
            key=transform.key,
            label=transform.label,
            why=transform.why,
            answer=top_classes(logits.tolist(), backbone.classes, 1)[0],
            probability=goal.probability(logits),
            is_fooled=goal.is_reached(logits),
        )
        trials, pictures = (*found.trials, trial), (*found.pictures, png)
        found = SurvivalSnapshot(
            step=len(trials), steps=len(TRANSFORMS), trials=trials, pictures=pictures
        )
        job.publish(found)
    return found


def paste_back(job: Job[PasteBack], context: Context) -> Sliced[Snapshot]:
    """Apply the change to the whole photograph and ask what the network sees there."""
    spec = job.spec
    backbone, _attacked, original, goal = yield from _load(spec, context)
    small = yield from context.in_pool(fitted, context.photos, spec.photo, backbone.row)
    seen = yield from context.in_pool(fitted, context.photos, spec.original, backbone.row)
    pasted = yield from context.in_pool(paste, original, small, seen, backbone.row.resize)
    png = yield from context.in_pool(encode_png, pasted)
    read = yield from context.in_pool(read_back, png)
    measured = yield from context.in_pool(gap, to_array(original), read)
    before, after = answer(backbone, original), answer(backbone, Image.fromarray(read))
    return PasteBackSnapshot(
        step=1,
        picture=png,
        width=original.width,
        height=original.height,
        before=top_classes(before.tolist(), backbone.classes, 5),
        after=top_classes(after.tolist(), backbone.classes, 5),
        probability=goal.probability(after),
        is_fooled=goal.is_reached(after),
        gap=measured,
    )


def paste(original: Photo, attacked: PhotoArray, seen: PhotoArray, resize: int) -> PhotoArray:
    """Return the whole photograph, changed so that scaling it down shows the attacked picture.

    No value moves further than the attack moved any. The change is enlarged, and what scaling
    down loses of it is added again, several times.

    Args:
        original: The photograph at its own size.
        attacked: uint8 (S, S, 3).
        seen: What the network sees of the original, uint8 (S, S, 3).
        resize: What the network's shorter side is scaled to before the crop.
    """
    whole = to_array(original)
    side = len(attacked)
    if original.size == (side, side):
        return attacked
    box = crop_box(original.size, side, resize)
    left, top = int(box[0]), int(box[1])
    right, bottom = (
        min(-int(-box[2] // 1), original.width),
        min(-int(-box[3] // 1), original.height),
    )
    inner = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    goal = attacked.astype(np.float32) - seen
    limit = float(np.abs(goal).max())
    for channel in range(3):
        part = whole[top:bottom, left:right, channel]
        change = _enlarged(goal[..., channel], part, limit, inner)
        part[:] = (part + change).clip(0, 255).astype(np.uint8)
    return whole


def _enlarged(
    goal: NDArray[np.float32],
    part: PhotoArray,
    limit: float,
    box: tuple[float, float, float, float],
) -> NDArray[np.float32]:
    """Whole levels up to ``limit`` which, scaled down from ``box``, come close to ``goal``."""
    low, high = np.maximum(-limit, -part.astype(np.float32)), np.minimum(limit, 255.0 - part)
    size, side = (part.shape[1], part.shape[0]), goal.shape[1]
    change = np.zeros(part.shape, np.float32)
    whole_levels = change
    for _ in range(_ROUNDS):
        shown = Image.fromarray(whole_levels).resize((side, side), Image.Resampling.BICUBIC, box)
        missing = Image.fromarray(goal - np.asarray(shown))
        added = missing.resize(size, Image.Resampling.BILINEAR)
        change = np.clip(change + np.asarray(added), low, high)
        whole_levels = np.rint(change)
    return whole_levels
