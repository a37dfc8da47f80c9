"""One forward pass over a batch of frames: answers and class activation maps."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone, read_answers
from tl_core.specs.classify import Answer
from tl_core.specs.live import LiveAnswer

_TOP = 5


@torch.inference_mode()
def look(
    backbone: Backbone, pixels: Tensor, targets: Sequence[int | None]
) -> tuple[LiveAnswer, ...]:
    """Answer frames (N, 3, S, S) in [0, 1], each with a map of its class in ``targets``.

    The map costs no gradient: what the last maps (N, D, h, w) say for a class is their sum,
    weighted as the head weighs their averages. Only what speaks for the class is kept, and the
    warmest place becomes 255. There is no map where the embedding is no average of such maps.

    Source:
        Zhou et al. 2016, arXiv:1512.04150.
    """
    row, maps = backbone.row, pixels.new_empty(0)
    head = backbone.head if row.is_pooled and isinstance(backbone.head, nn.Linear) else None

    def keep(_number: int, _inputs: Tensor, output: Tensor) -> None:
        nonlocal maps
        maps = output

    with backbone.hooked([] if head is None else [row.stages[-1].layer], keep):
        embeddings = backbone.embed(pixels)
        logits = backbone.head(embeddings)
    shares = read_answers(logits).softmax(1)
    shown = [
        first if target is None or not 0 <= target < shares.shape[1] else target
        for target, first in zip(targets, shares.argmax(1).tolist(), strict=True)
    ]
    novelty = backbone.novelty.judge(embeddings) if backbone.novelty else [None] * len(shown)
    heats = [b""] * len(shown) if head is None else _heats(maps, head.weight[shown])

    def said(of: Tensor, index: int) -> Answer:
        return Answer(index=index, label=backbone.classes[index], probability=float(of[index]))

    return tuple(
        LiveAnswer(
            step=1,
            answers=tuple(said(of, index) for index in of.topk(min(_TOP, len(of)))[1].tolist()),
            shown=said(of, target),
            heat=heat,
            heat_side=0 if head is None else maps.shape[-1],
            batch=len(shown),
            novelty=unusual,
        )
        for of, target, heat, unusual in zip(shares, shown, heats, novelty, strict=True)
    )


def _heats(maps: Tensor, weights: Tensor) -> list[bytes]:
    """Class activation maps of ``maps`` (N, D, h, w) by weights (N, D), each as bytes."""
    evidence = torch.einsum("nd,ndhw->nhw", weights.float(), maps.float()).relu()
    warmest = evidence.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(torch.float).tiny)
    levels = (255 * evidence / warmest).round().to(torch.uint8).cpu()
    return [level.numpy().tobytes() for level in levels]
