"""Builds networks: from a file of weights, with random weights, or without any for their shapes."""

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import timm
import torch
import torchvision
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone, freeze, split_head
from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.pointwise import use_products
from tl_core.backbones.sharing import copy_sharing, named_tensors
from tl_core.errors import UserError
from tl_core.machine.device import is_out_of_memory

PIXELS = "pixels"  # key of the row for raw pixels
PIXELS_SIDE = 32  # raw pixels are used at 32 × 32


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The 1,000 class names in ImageNet's order, as torchvision spells them."""
    weights = torchvision.models.get_model_weights("resnet18")
    return tuple(next(iter(weights)).meta["categories"])


def new_network(row: BackboneRow) -> nn.Module:
    """Return the row's architecture with random weights (on the current default device).

    Its layers are those of every network here, so that equal weights give equal answers. A module
    of one's own comes with its weights, themselves.
    """
    if row.key == PIXELS:
        layers = nn.AdaptiveAvgPool2d(PIXELS_SIDE), nn.Flatten()
        return nn.Sequential(*layers, nn.Linear(3 * PIXELS_SIDE**2, 1))
    if row.build is not None:
        module = row.build()
        network = copy_sharing(module, named_tensors(module).values())
    elif row.library == "timm":
        network = timm.create_model(row.architecture, pretrained=False)
    else:
        network = torchvision.models.get_model(row.architecture, weights=None)
    return use_products(network)


def pretrained(row: BackboneRow, weights: Path, device: torch.device) -> Backbone:
    """Build the architecture and fill it with the weights from a file.

    The network is laid out without memory and takes the file's tensors as they are, so nothing is
    initialised at random first.

    Raises:
        UserError: If the file does not hold this network's weights.
    """
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        with torch.device("meta"):
            network = new_network(row)
        if row.library == "timm":
            state = _renamed(state, network)
        network.load_state_dict(state, assign=True)
    except Exception as error:  # any other complaint of readers and modules means a bad file
        if is_out_of_memory(error):
            raise
        raise UserError(
            "The weights of {label} cannot be read from the file {file}. Get another version of "
            "the lab or of that file.",
            label=row.label,
            file=weights.name,
        ) from error
    return _backbone(row.key, row, network, device)


def untrained(row: BackboneRow, device: torch.device, *, seed: int) -> Backbone:
    """Return the row's network with random weights, for comparisons that say so.

    Reproducible by ``seed``; torch's global random state is left as it was. Touches global random
    state while it runs, so only the worker may call it.

    Raises:
        UserError: If a module of one's own cannot draw its weights anew.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = new_network(row)
        if row.build is not None:
            network = _drawn_anew(copy.deepcopy(network))
    return _backbone(f"untrained:{row.key}", row, network, device)


def without_weights(row: BackboneRow) -> Backbone:
    """Return the row's network on torch's ``meta`` device: shapes, but no numbers and no memory."""
    meta = torch.device("meta")
    with meta:
        return _backbone(row.key, row, new_network(row), meta)


@cache
def channel_counts(row: BackboneRow) -> Mapping[str, int]:
    """How many channels each of the row's stages has, by its layer; takes a tenth of a second."""
    backbone, layers = without_weights(row), [stage.layer for stage in row.stages]
    counts: dict[str, int] = {}

    def count(index: int, _inputs: Tensor, activations: Tensor) -> None:
        counts[layers[index]] = activations.shape[1]

    with torch.inference_mode(), backbone.hooked(layers, count):
        backbone.body(torch.empty(1, 3, row.input_size, row.input_size, device="meta"))
    return counts


def _drawn_anew(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if callable(draw := getattr(module, "reset_parameters", None)):
            draw()
        elif next(module.parameters(recurse=False), None) is not None:
            raise UserError(
                "A layer of this network, {layer}, cannot draw its weights anew: it has no "
                "reset_parameters. Choose another way to train.",
                layer=type(module).__name__,
            )
    return network


def _backbone(key: str, row: BackboneRow, network: nn.Module, device: torch.device) -> Backbone:
    head = split_head(network, row.head)
    return Backbone(
        key=key,
        label=row.label,
        row=row,
        body=freeze(network).to(device),
        head=freeze(head).to(device),
        classes=imagenet_classes(),
        device=device,
    )


def _renamed(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Give the packages' tensors timm's names: same order, checked shape by shape."""
    wanted = network.state_dict()
    if len(wanted) != len(state):
        raise ValueError(f"expected {len(wanted)} tensors, got {len(state)}")
    for (name, target), (old, value) in zip(wanted.items(), state.items(), strict=True):
        same_kind = name.rpartition(".")[2] == old.rpartition(".")[2]
        if target.shape != value.shape or not same_kind:
            raise ValueError(
                f"{old} {tuple(value.shape)} does not fit {name} {tuple(target.shape)}"
            )
    return dict(zip(wanted, state.values(), strict=True))
