"""A visitor's model as a safetensors file: saved whole, loaded back only after strict checks."""

import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone, freeze, split_head
from tl_core.backbones.build import PIXELS, PIXELS_SIDE, new_network
from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.sharing import named_tensors, same, share_equal
from tl_core.backbones.store import BackboneStore, OwnModel
from tl_core.errors import Phrase, UserError
from tl_core.errors import gettext_noop as N_
from tl_core.settings import LARGEST_MODEL_FILE_MB
from tl_core.specs.datasets import are_own_names, clean_name
from tl_core.specs.every import spec_from_json
from tl_core.specs.training import LABEL_LENGTH, FineTune
from tl_core.training.detector_file import (
    NOVELTY,
    UnusableError,
    novelty_metadata,
    novelty_tensors,
    require_fits,
    take_novelty,
)
from tl_core.training.initial import pixels_row, unscaled_row
from tl_core.training.sharing import tensors

FORMAT = "transfer-learning-lab 1"
_MAX_CLASSES = 1000
_MAX_HEADER_BYTES = 2**20
_REASON_LENGTH = 200  # a reason may quote the file


def save_model(
    model: Backbone, *, beside: Backbone | None = None, is_for_owner: bool = False
) -> bytes:
    """Return the model as a safetensors file with its classes and settings; worker or pool.

    The tensors have the names of torchvision's or timm's own network, so that plain PyTorch loads
    them; see ``plain_pytorch``. Those of "none of these" stand beside them. With ``beside`` what
    equals that network's is left out. No file tells of photographs, but one ``is_for_owner``, which
    stays in the lab, names theirs.
    """
    head = {f"{model.row.head}.{name}": t for name, t in model.head.state_dict().items()}
    body = model.body.state_dict()
    known = named_tensors(beside.body) if beside else {}
    body = {name: t for name, t in body.items() if name not in known or not same(t, known[name])}
    state, metadata = body | head, _metadata_of(model)
    if model.novelty is not None:
        state |= novelty_tensors(model.novelty)
        metadata |= novelty_metadata(model.novelty, has_keys=is_for_owner)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    return _in_fixed_order(safetensors.torch.save(state, metadata))


def _in_fixed_order(file: bytes) -> bytes:
    """The same file with the names of its header sorted, so that a model has one file.

    safetensors writes the metadata in an order of chance. A file begins with the header's length
    in eight bytes; spaces fill the header up to a multiple of eight.
    """
    end = 8 + int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return b"".join((len(header).to_bytes(8, "little"), header, memoryview(file)[end:]))


def _metadata_of(model: Backbone) -> dict[str, str]:
    return {
        "format": FORMAT,
        "backbone": model.row.key,
        "label": model.label,
        "classes": json.dumps(model.classes),
        "settings": settings_of(model),
    }


def require_loadable(model: Backbone, limit_mb: int) -> None:
    """Say of a model that can be saved whether this lab would not take its file back.

    Raises:
        UserError: If so.
    """
    size_bytes = sum(tensor.nbytes for part in (model.body, model.head) for tensor in tensors(part))
    size_bytes += model.novelty.size_bytes if model.novelty else 0
    size_mb = -(-(size_bytes + _MAX_HEADER_BYTES) // 2**20)
    if size_mb > limit_mb:
        raise UserError(
            "This lab takes model files of at most {limit} MB, and this one has {size} MB. Load "
            "it in a lab on another machine, or with the PyTorch code.",
            limit=limit_mb,
            size=size_mb,
        )
    try:
        _classes(_metadata_of(model))
    except UnusableError as error:
        raise UserError(
            "The lab can't load this file again, because {reason}. The PyTorch code can.",
            reason=Phrase(str(error)),
        ) from error


def settings_of(model: Backbone) -> str:
    """Return what the model was trained with as JSON, photographs left out; "" if it was not."""
    return model.trained_with.without_photos().to_json() if model.trained_with else ""


def load_model(
    data: bytes,
    store: BackboneStore,
    *,
    key: str,
    owner: str,
    beside: Backbone | None = None,
    is_for_owner: bool = False,
) -> OwnModel:
    """Return the model in a file that ``save_model`` wrote; ``store.adopt`` then keeps it.

    Nothing in the file is run: it holds numbers and text only, and every name, shape and type is
    compared with what the network needs. Tensors equal to the backbone's own are shared with it
    where it is in memory; with ``beside`` its tensors stand for those that the file leaves out.
    Only of a file that never left the lab (``is_for_owner``) are keys of photographs believed. May
    run in the pool.

    Raises:
        UserError: If it is no such file.
    """
    try:
        metadata = _metadata(data)
        classes = _classes(metadata)
        trained_with = _settings(metadata)
        row = _row(metadata, store, trained_with)
        state = safetensors.torch.load(data)
        novelty = take_novelty(state, metadata, store.device, has_keys=is_for_owner)
        if beside is not None:
            state = named_tensors(beside.body) | state
        network = _empty_network(row, len(classes))
        _require_same(state, network.state_dict())
        if novelty is not None:
            require_fits(novelty, state[f"{row.head}.weight"].shape[1])
    except KeyError as error:
        raise UserError(
            "This isn't one of the lab's model files, or it is damaged: it doesn't name its "
            "{field}. Choose a .safetensors file that you downloaded here.",
            field=error.args[0],
        ) from error
    except UnusableError as error:
        raise _unusable(str(error)) from error
    except (SafetensorError, ValueError, TypeError, RecursionError) as error:
        raise _unusable(N_("its contents cannot be read")) from error
    state = {name: tensor.to(store.device) for name, tensor in state.items()}
    base = store.loaded(row.key)
    size_bytes = share_equal(state, base.body if base else nn.Module())
    network.requires_grad_(False)  # or loading would ask shared weights for gradients
    network.load_state_dict(state, assign=True)
    head = split_head(network, row.head)
    label = clean_name(metadata.get("label", ""), LABEL_LENGTH) or row.label
    backbone = Backbone(
        key, label, row, freeze(network), freeze(head), classes, store.device, trained_with, novelty
    )
    _require_answer(backbone)
    return OwnModel(backbone, owner, size_bytes + (novelty.size_bytes if novelty else 0))


def _unusable(reason: str) -> UserError:
    return UserError(
        "This isn't one of the lab's model files, or it is damaged: {reason}. Choose a "
        ".safetensors file that you downloaded here.",
        reason=Phrase(reason[:_REASON_LENGTH]),
    )


@torch.inference_mode()
def _require_answer(model: Backbone) -> None:
    """Refuse a network whose numbers are so large, or statistics so wrong, that it says nothing.

    The other pages rely on finite numbers.
    """
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(1, 3, model.input_size, model.input_size, generator=generator)
    shades = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, *pixels.shape[1:])
    probes = torch.cat([pixels, shades])  # noise, black, white
    if not bool(model.logits(probes.to(model.device)).isfinite().all()):
        raise _unusable(N_("its network's answers are infinite or not numbers"))


def plain_pytorch(model: Backbone, file_name: str = "model.safetensors") -> str:
    """Return ten lines of plain PyTorch that load the file and classify a photograph."""
    row, classes = model.row, len(model.classes)
    if row.key == PIXELS:
        layers = f"nn.AdaptiveAvgPool2d({PIXELS_SIDE}), nn.Flatten()"
        build = f"nn.Sequential({layers}, nn.Linear({3 * PIXELS_SIDE**2}, {classes}))"
        library = "from torch import nn"
    elif row.library == "timm":
        build = f'timm.create_model("{row.architecture}", num_classes={classes})'
        library = "import timm"
    else:
        build = f'models.get_model("{row.architecture}", num_classes={classes})'
        library = "from torchvision import models"
    return f"""import torch
{library}
from PIL import Image
from safetensors.torch import load_file
from torchvision.transforms import v2 as T

model = {build}.eval()
tensors = load_file("{file_name}").items()
model.load_state_dict({{name: t for name, t in tensors if not name.startswith("{NOVELTY}")}})
see = T.Compose([T.Resize({row.resize}, T.InterpolationMode.{row.interpolation.upper()}), \
T.CenterCrop({row.input_size}), T.ToImage(), T.ToDtype(torch.float32, scale=True), \
T.Normalize({row.mean}, {row.std})])
with torch.inference_mode():
    probs = model(see(Image.open("photo.jpg").convert("RGB"))[None]).softmax(1)[0]
print({list(model.classes)!r}[int(probs.argmax())], float(probs.max()))
"""


def _metadata(data: bytes) -> dict[str, str]:
    """The file's header, read before anything else is."""
    size = int.from_bytes(data[:8], "little")
    is_small = len(data) <= LARGEST_MODEL_FILE_MB * 2**20
    if not is_small or not 0 < size <= min(_MAX_HEADER_BYTES, len(data) - 8):
        raise UnusableError(N_("its header doesn't match its size"))
    header = json.loads(data[8 : 8 + size])
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise UnusableError(N_("it was not saved by this lab"))
    return metadata


def _classes(metadata: Mapping[str, str]) -> tuple[str, ...]:
    names = json.loads(metadata["classes"])
    fits = isinstance(names, list) and 2 <= len(names) <= _MAX_CLASSES
    if not fits or not all(isinstance(name, str) for name in names):
        raise UnusableError(N_("its class names are not usable"))
    classes = tuple(clean_name(name) for name in names)
    if not are_own_names(classes):
        raise UnusableError(N_("its class names are not all different"))
    return classes


def _settings(metadata: Mapping[str, str]) -> FineTune | None:
    text = metadata.get("settings")
    if not text:
        return None
    try:
        spec = spec_from_json(text)
    except UserError as error:
        raise UnusableError(N_("its settings are not usable")) from error
    if not isinstance(spec, FineTune):
        raise UnusableError(N_("its settings are not for training"))
    return spec.without_photos()


def _row(
    metadata: Mapping[str, str], store: BackboneStore, trained_with: FineTune | None
) -> BackboneRow:
    key = metadata["backbone"]
    if key == PIXELS:  # prepared as for the backbone beside which they were chosen
        any_row = next(iter(store.rows.values()))
        beside = trained_with.backbone if trained_with else any_row.key
        row = pixels_row(store.rows.get(beside, any_row))
    elif key in store.rows:
        row = store.rows[key]
    else:
        raise UnusableError(N_("its backbone is not known here"))
    return row if trained_with is None or trained_with.input_scaling else unscaled_row(row)


def _empty_network(row: BackboneRow, classes: int) -> nn.Module:
    """The architecture with a head of the right size, without memory for its weights."""
    with torch.device("meta"):
        network = new_network(row)
        old: Any = network.get_submodule(row.head)
        network.set_submodule(row.head, nn.Linear(old.in_features, classes))
    return network


def _require_same(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    if state.keys() != wanted.keys():
        raise UnusableError(N_("its tensors don't match the network it names"))
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape or tensor.dtype != wanted[name].dtype:
            raise UnusableError(f"the tensor {name} has another shape or type than the network's")
        if tensor.is_floating_point():
            _require_usable(name, tensor)


def _require_usable(name: str, tensor: Tensor) -> None:
    least, most = tensor.aminmax()  # NaN where one is; needs no copy, of 400 MB where VGG begins
    if not bool(least.isfinite() & most.isfinite()):
        raise UnusableError(f"the tensor {name} is not finite")
    if name.endswith("running_var") and bool(least < 0):
        raise UnusableError(N_("a variance in it is below zero"))
