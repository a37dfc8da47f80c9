"""What every stage makes of a photograph: one forward pass, kept in half precision."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.catalogue import BackboneRow, Stage
from tl_core.context import Context
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError

Activations: TypeAlias = NDArray[np.float16]  # of a layer on one photograph, (C, H, W)
HALF_MAX = float(np.finfo(np.float16).max)


def stage_of(row: BackboneRow, layer: str) -> Stage:
    """Return the stage called ``layer``; an empty name means the first.

    Raises:
        UserError: If the backbone shows no such layer.
    """
    for stage in row.stages:
        if layer in ("", stage.layer):
            return stage
    raise UserError(
        "{label} has no layer {layer} to look into. Choose one of: {layers}.",
        label=row.label,
        layer=layer,
        layers=", ".join(stage.layer for stage in row.stages),
    )


def probe(backbone: Backbone, pixels: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Run pixels (N, 3, S, S) in [0, 1] through the body once; worker only.

    Returns:
        Copies of what ``layers`` put out, (N, C, H, W) each, which no later in-place ReLU reaches.
    """
    found: dict[str, Tensor] = {}

    def record(index: int, _inputs: Tensor, activations: Tensor) -> None:
        found[layers[index]] = activations.clone()

    with torch.inference_mode(), backbone.hooked(layers, record):
        backbone.embed(pixels)
    return found


def to_half(activations: Tensor) -> Activations:
    """Round one photograph's activations (C, H, W) to half precision on the CPU.

    Half precision rather than bfloat16: a picture has 256 shades and half keeps 2,048 steps a
    factor of two where bfloat16 keeps 256, and NumPy can read it. What it cannot hold, above
    65,504, is clamped; trained networks stay two orders of magnitude below.
    """
    rounded = activations.clamp(-HALF_MAX, HALF_MAX).to(torch.float16).contiguous()
    array: Activations = rounded.cpu().numpy()
    return array


def maps_of(context: Context, photo: str, backbone_key: str) -> Sliced[Mapping[str, Activations]]:
    """All stages of the backbone on one photograph, from memory where it was seen before.

    Raises:
        UserError: If the backbone or the photograph cannot be had.
    """
    maps: Mapping[str, Activations] | None = context.activations.get((photo, backbone_key))
    if maps is not None:
        return maps
    layers = [stage.layer for stage in context.backbones.row(backbone_key).stages]
    fresh = yield from _probed(context, photo, backbone_key, layers)
    size_bytes = sum(layer.nbytes for layer in fresh.values())
    context.activations.put((photo, backbone_key), fresh, size_bytes)
    return fresh


def layer_of(context: Context, photo: str, backbone_key: str, layer: str) -> Sliced[Activations]:
    """One stage on one photograph: for many photographs, of which not all stages are to be kept.

    Raises:
        UserError: If the backbone or the photograph cannot be had.
    """
    maps = context.activations.get((photo, backbone_key))
    if maps is not None:
        return maps[layer]
    key = (photo, backbone_key, layer)
    kept = context.activations.get(key)
    if kept is None:
        fresh = yield from _probed(context, photo, backbone_key, [layer])
        kept = fresh[layer]
        context.activations.put(key, kept, kept.nbytes)
    return kept


def _probed(
    context: Context, photo: str, backbone_key: str, layers: list[str]
) -> Sliced[dict[str, Activations]]:
    """One photograph a pass: in a batch, rounding would depend on its neighbours."""
    backbone = yield from context.backbone(backbone_key)
    pixels = yield from context.pixels(photo, backbone)
    found = probe(backbone, pixels, layers)
    return {layer: to_half(activations[0]) for layer, activations in found.items()}
