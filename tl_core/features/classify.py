"""The workroom that answers: what is on this photograph?"""

import time

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.ranking import best
from tl_core.engine.job import Job
from tl_core.engine.runner import Work
from tl_core.images.codec import encode_jpeg
from tl_core.specs import Classification, Classify
from tl_core.toolbox import Toolbox, fitted, pixels_from


def run(job: Job, toolbox: Toolbox) -> Work:
    """Classify one photograph in a single forward pass."""
    spec = job.spec
    assert isinstance(spec, Classify)  # narrows for the type checker; the lab pairs them
    backbone = yield from toolbox.backbone(spec.backbone)
    array = yield toolbox.pool.submit(fitted, toolbox.album, spec.photo, backbone)
    start = time.perf_counter()
    scores = logits(backbone, pixels_from(array, toolbox.device))[0].tolist()
    milliseconds = (time.perf_counter() - start) * 1000
    seen = yield toolbox.pool.submit(encode_jpeg, array)
    return Classification(
        step=1,
        answers=best(scores, backbone.classes, spec.top),
        milliseconds=milliseconds,
        logits=tuple(scores),
        seen=seen,
    )


@torch.inference_mode()
def logits(backbone: Backbone, pixels: Tensor) -> Tensor:
    """Return scores (N, classes) as float32 on the CPU; waits for the device."""
    return backbone.logits(pixels).float().cpu()
