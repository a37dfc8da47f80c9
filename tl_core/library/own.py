"""A module of one's own as a network of the lab: where its head is, and what its layers see."""

import copy
import weakref
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone, freeze, split_head
from tl_core.backbones.build import new_network
from tl_core.backbones.catalogue import BackboneRow, DownloadableWeights, Stage
from tl_core.backbones.sharing import unshared_bytes
from tl_core.backbones.store import BackboneStore, OwnModel
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.feature_maps.receptive_field import FieldTracker

_RESIZE = 8 / 7  # of the shorter side before the centre crop, to the input's: 256 to 224
_ACTIVATIONS = ("torch.nn.modules.activation", "timm.layers.activations")


@dataclass(frozen=True)
class Inputs:
    """What a module takes and what it answers; the values are for pixels in [0, 1]."""

    size: int = 224  # side S of its square pictures, in pixels
    mean: Sequence[float] = (0.485, 0.456, 0.406)  # of ImageNet's photographs
    std: Sequence[float] = (0.229, 0.224, 0.225)
    classes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 2048:
            raise UserError(
                "size must be between 8 and 2048 pixels, got {size}. It's the side of the square "
                "pictures that the module takes.",
                size=self.size,
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != 3 or (name == "std" and min(values) <= 0):
                raise UserError(
                    "{name} must be three numbers, for red, green and blue, and std above 0; got "
                    "{values}.",
                    name=name,
                    values=tuple(values),
                )


@dataclass(frozen=True, eq=False)
class _Run:
    name: str
    module: nn.Module
    output: Tensor
    makes_maps: bool  # (1, C, H, W), of which a unit sees a part of the picture


def adopt(store: BackboneStore, module: object, inputs: Inputs, *, key: str) -> nn.Module:
    """Keep a network of the lab with a copy of the module's weights; the module stays as it is.

    Returns the copy that the network's row builds from, for as long as somebody holds it.

    Raises:
        UserError: If it is no convolutional network that ends in a linear layer, (N, 3, S, S) to
            (N, classes), or has other classes.
    """
    if not isinstance(module, nn.Module):
        raise UserError(
            "To load takes a network's name, a file ending in .safetensors, or a module of "
            "PyTorch, not {kind}.",
            kind=type(module).__name__,
        )
    source = freeze(copy.deepcopy(module).float().cpu())
    runs, scores = _run(source, inputs.size)
    if not len(inputs.classes) == len(set(inputs.classes)) == scores.shape[1]:
        raise UserError(
            "The module has {wanted} classes. Give the name of each, in its order, as classes; got "
            "{given} different names.",
            wanted=scores.shape[1],
            given=len(set(inputs.classes)),
        )
    row = _row(source, runs, scores, inputs, key)
    network = new_network(row)
    head = freeze(split_head(network, row.head)).to(store.device)
    body = freeze(network).to(store.device)
    names = tuple(map(str, inputs.classes))
    backbone = Backbone(key, row.label, row, body, head, names, store.device)
    size_bytes = unshared_bytes(nn.Sequential(body, head), [])
    store.adopt(key, OwnModel(backbone, owner=key, size_bytes=size_bytes))
    return source


def _row(
    source: nn.Module, runs: Sequence[_Run], scores: Tensor, inputs: Inputs, key: str
) -> BackboneRow:
    label, head = type(source).__name__, _head_of(runs, scores)
    before = runs[: runs.index(head)]
    return BackboneRow(
        key=key,
        label=label,
        family=label,
        year=0,
        architecture=key,
        source=DownloadableWeights("", 0.0),
        input_size=inputs.size,
        resize=round(inputs.size * _RESIZE),
        mean=_three(inputs.mean),
        std=_three(inputs.std),
        parameters_m=sum(weights.numel() for weights in source.parameters()) / 1e6,
        gflops=0.0,
        top1=0.0,
        head=head.name,
        stages=_stages(before),
        is_pooled=False,
        guided_obstacle=_guided_obstacle(before),
        advice="",
        needs_memory_mb=0,
        build=weakref.ref(source),
    )


def _run(source: nn.Module, size: int) -> tuple[list[_Run], Tensor]:
    """Run the module without numbers: its layers in the order in which they end, and the scores."""
    network = copy.deepcopy(source).to("meta")
    names = {layer: name for name, layer in network.named_modules() if name}
    picture = torch.empty(1, 3, size, size, device="meta")
    tracker = FieldTracker(picture)
    runs: list[_Run] = []

    def note(layer: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            are_maps = output.dim() == 4 and output.shape[2] == output.shape[3] > 1
            is_local = are_maps and tracker.field_of(output) is not None
            runs.append(_Run(names[layer], layer, output, is_local))

    with torch.no_grad(), tracker, ExitStack() as hooks:
        for layer in names:
            hooks.enter_context(layer.register_forward_hook(note))
        try:
            scores = network(picture)
        except Exception as error:  # what a module raises, nobody knows
            raise UserError(
                "The module doesn't take pictures of shape (1, 3, {size}, {size}) ({reason}). Give "
                "the size that it was trained with.",
                size=size,
                reason=f"{type(error).__name__}: {error!s:.200}",
            ) from error
    if not isinstance(scores, Tensor) or scores.dim() != 2:
        raise UserError("The module must put out one tensor, a score for each class: (N, classes).")
    return runs, scores


def _head_of(runs: Sequence[_Run], scores: Tensor) -> _Run:
    for run in runs:
        if (
            run.output is scores
            and isinstance(run.module, nn.Linear)
            and _times(runs)[run.name] == 1
        ):
            return run
    raise UserError(
        "The module must end in a layer nn.Linear whose outputs are the scores. Leave out what "
        "comes after it, such as a softmax."
    )


def _stages(runs: Sequence[_Run]) -> tuple[Stage, ...]:
    """The outermost layers that make maps; what holds most of the network counts as no layer."""
    times = _times(runs)
    outer = [
        run.name
        for run in runs
        if run.makes_maps and times[run.name] == 1 and not _is_container(run, runs)
    ]
    parents = {f"{name}." for name in outer}
    found = [name for name in outer if not any(name.startswith(parent) for parent in parents)]
    names = [run.name for run in runs]
    if not found or 2 * names.index(found[-1]) < len(runs):  # as of a transformer
        raise UserError(
            "The module isn't a convolutional network: no layer in its second half puts out "
            "feature maps, (N, channels, height, width). Choose another module."
        )
    return tuple(Stage(name, "") for name in found)


def _is_container(run: _Run, runs: Sequence[_Run]) -> bool:
    inside = sum(other.name.startswith(f"{run.name}.") for other in runs)
    return isinstance(run.module, nn.Sequential | nn.Identity) or 2 * inside > len(runs)


def _guided_obstacle(runs: Sequence[_Run]) -> str:
    """Why guided back-propagation would be wrong: it changes the layers ``nn.ReLU`` alone."""
    times = _times(runs)
    active = [run for run in runs if type(run.module).__module__.startswith(_ACTIVATIONS)]
    kinds = sorted({type(run.module).__name__ for run in active})
    if kinds != ["ReLU"]:
        return ", ".join(kinds) if kinds else N_("no ReLU among its layers")
    return N_("a ReLU used several times") if any(times[r.name] > 1 for r in active) else ""


def _times(runs: Sequence[_Run]) -> Counter[str]:
    return Counter(run.name for run in runs)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue
