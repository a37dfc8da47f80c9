"""The handler that answers: what is on this photograph?"""

import time

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone, read_answers
from tl_core.classify.ranking import top_classes
from tl_core.context import Context, fitted, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.images.encode import encode_jpeg
from tl_core.specs.classify import Classification, Classify, Novelty


def run(job: Job[Classify], context: Context) -> Sliced[Classification]:
    """Classify one photograph in a single forward pass."""
    spec = job.spec
    backbone = yield from context.backbone(spec.backbone)
    array = yield from context.in_pool(fitted, context.photos, spec.photo, backbone.row)
    start = time.perf_counter()
    scores, novelty = look_at(backbone, pixels_from(array, context.device))
    milliseconds = (time.perf_counter() - start) * 1000
    seen = yield from context.in_pool(encode_jpeg, array)
    return Classification(
        step=1,
        answers=top_classes(scores, backbone.classes, spec.top),
        milliseconds=milliseconds,
        logits=tuple(scores),
        seen=seen,
        novelty=novelty,
    )


@torch.inference_mode()
def look_at(backbone: Backbone, pixels: Tensor) -> tuple[list[float], Novelty | None]:
    """Return the scores of one photograph and how unusual it is; waits for the device."""
    embedding = backbone.embed(pixels)
    scores: list[float] = read_answers(backbone.head(embedding))[0].tolist()
    return scores, backbone.novelty.judge(embedding)[0] if backbone.novelty else None
