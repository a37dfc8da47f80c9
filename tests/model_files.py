"""Model files as visitors may bring them, and networks small enough to make them of."""

import json
from collections.abc import Sequence

import safetensors.torch
import torch

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import PIXELS, PIXELS_SIDE
from tl_core.backbones.novelty import Examples, fit_detector
from tl_core.training.detector_file import novelty_metadata, novelty_tensors
from tl_core.training.model_file import FORMAT


def of_backbone(backbone: Backbone, label: str, classes: Sequence[str]) -> bytes:
    """A file with a backbone's own weights, its head cut to these classes."""
    head = {
        f"{backbone.row.head}.{name}": tensor[: len(classes)]
        for name, tensor in backbone.head.state_dict().items()
    }
    return packed(dict(backbone.body.state_dict()) | head, backbone.row.key, label, classes)


def of_raw_pixels(label: str, classes: Sequence[str]) -> bytes:
    """A file of 25 KB a class."""
    generator = torch.Generator().manual_seed(0)
    shape = (len(classes), 3 * PIXELS_SIDE**2)
    head = {"2.weight": torch.randn(shape, generator=generator), "2.bias": torch.zeros(shape[0])}
    return packed(head, PIXELS, label, classes)


def that_can_tell(label: str, classes: Sequence[str]) -> bytes:
    """The same, with what says "none of these"."""
    generator = torch.Generator().manual_seed(1)
    rows = torch.rand(30, 3 * PIXELS_SIDE**2, generator=generator)
    names = [str(number) for number in range(len(rows))]
    detector = fit_detector(Examples(rows, names, [0] * len(rows)), None)
    if detector is None:
        raise RuntimeError("too few photographs")
    state, metadata = unpacked(of_raw_pixels(label, classes))
    metadata |= novelty_metadata(detector, has_keys=False)
    return safetensors.torch.save(state | novelty_tensors(detector), metadata)


def unpacked(data: bytes) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors and the texts of a file."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return safetensors.torch.load(data), header["__metadata__"]


def packed(
    state: dict[str, torch.Tensor], backbone: str, label: str, classes: Sequence[str]
) -> bytes:
    meta = {"format": FORMAT, "backbone": backbone, "label": label, "settings": ""}
    contiguous = {name: tensor.contiguous() for name, tensor in state.items()}
    return safetensors.torch.save(contiguous, meta | {"classes": json.dumps(list(classes))})
