"""What a run starts from: ImageNet weights, random weights, or raw pixels without a network."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch.optim.swa_utils import update_bn

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import PIXELS, untrained
from tl_core.backbones.catalogue import BackboneRow, Stage
from tl_core.context import Context
from tl_core.engine.runner import Sliced
from tl_core.errors import gettext_noop as N_
from tl_core.specs.training import Start

_MEASURED_PICTURES = 4


def starting_point(start: Start, key: str, seed: int, context: Context) -> Sliced[Backbone]:
    """The network that a run starts from; its head is not used.

    Raises:
        UserError: If the backbone is unknown, not on disk, or does not fit.
    """
    if start == "trained":
        return (yield from context.backbone(key))
    row = context.backbones.row(key)
    if start == "pixels" or row.key == PIXELS:  # which have no weights to be random
        return raw_pixels(row, context.device)
    random = replace(untrained(row, context.device, seed=seed), key=f"untrained:{row.key}:{seed}")
    measure_batch_norms(random, seed)
    return random


def without_scaling(start: Backbone) -> Backbone:
    """The same network fed with 0 to 255, in place of what it was pretrained with."""
    return replace(start, key=f"unscaled:{start.key}", row=unscaled_row(start.row))


def unscaled_row(row: BackboneRow) -> BackboneRow:
    """Return a row whose inputs are the pictures' values, 0 to 255."""
    return replace(row, mean=(0.0,) * 3, std=(1 / 255,) * 3)


def measure_batch_norms(backbone: Backbone, seed: int) -> None:
    """Let the batch-norm layers of a random network measure a few random pictures.

    Without that they pass everything on unscaled, and in a deep network next to nothing arrives:
    a comparison with it would be unfair. Reproducible by ``seed``.
    """
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(_MEASURED_PICTURES, 3, 8, 8, generator=generator).to(backbone.device)
    size = (backbone.input_size, backbone.input_size)
    pixels = F.interpolate(coarse, size, mode="bilinear", align_corners=False)
    update_bn([backbone.normalise(pixels)], backbone.body)


def raw_pixels(row: BackboneRow, device: torch.device) -> Backbone:
    """A "network" without weights, whose embedding is the picture itself, 32 × 32 × 3 numbers."""
    return replace(untrained(pixels_row(row), device, seed=0), key=PIXELS, classes=("",))


def pixels_row(row: BackboneRow) -> BackboneRow:
    """Return a catalogue row for raw pixels, with the preprocessing of ``row``."""
    return replace(
        row,
        key=PIXELS,
        label=N_("Raw pixels"),
        family="none",
        head="2",  # after the two layers that ``new_network`` makes of it
        stages=(Stage("0", "edges and colours"),),
        parameters_m=0.0,
        gflops=0.0,
        top1=0.0,
        is_pooled=False,
        guided_obstacle="",
        advice=N_(
            "No network at all: see what a linear classifier can do with the pixel values alone."
        ),
        needs_memory_mb=1,
    )
