"""The handler that asks all networks what they see in a picture, for one class."""

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.imageopt import augment
from tl_core.images.photo import to_array
from tl_core.specs.base import Snapshot
from tl_core.specs.ideal import Judge, Verdict, Verdicts


def judge(job: Job[Judge], context: Context) -> Sliced[Snapshot]:
    """Ask every backbone that is ready and knows the same classes, one after another."""
    spec = job.spec
    photo = yield from context.in_pool(context.photos.photo, spec.photo)
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
