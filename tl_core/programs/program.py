"""Plain PyTorch that does what the lab does: programs about a network, a photograph and settings.

The texts beside this file are whole programs. What a section's comment announces (the network, the
photograph, what was chosen) is replaced by the lines for somebody's own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tl_core.backbones.catalogue import BackboneRow, PackagedWeights
from tl_core.images.photo import Photo, crop_box
from tl_core.images.samples import PREFIX, sample
from tl_core.specs.attack import Attack
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import mode_row

_LITE = """
import timm
from {package} import {file}

net = timm.create_model("{architecture}").eval().requires_grad_(False)
saved = torch.load({file}.get_model_file_path())
net.load_state_dict(dict(zip(net.state_dict(), saved.values())))
"""
_TORCHVISION = """
from torchvision.models import get_model

net = get_model("{architecture}", weights="IMAGENET1K_V1").eval().requires_grad_(False)
"""
_NUMBERS = """mean = torch.tensor({mean}).view(3, 1, 1)
std = torch.tensor({std}).view(3, 1, 1)
"""
_RANDOM = {
    True: """
import timm
torch.manual_seed(seed)
net = timm.create_model("{architecture}").eval()
""",
    False: """
from torchvision.models import get_model
torch.manual_seed(seed)
net = get_model("{architecture}").eval()
""",
}  # by whether timm has the network
_HEADLESS = 'net.set_submodule("{head}", torch.nn.Identity())  # what comes out now describes it\n'
_SAMPLE = """
from importlib.util import find_spec
from pathlib import Path

file = Path(find_spec("{package}").origin).parent / "{path}"
photo = Image.open(file).convert("RGB")
"""
_OWN = """
from PIL import ImageOps

photo = ImageOps.exif_transpose(Image.open({file!r})).convert("RGB")
"""
_PIXELS = "x = torch.tensor(np.array(photo)).permute(2, 0, 1)[None] / 255\n"
FOLDER = """
from sklearn.model_selection import train_test_split
from torchvision.datasets import ImageFolder

found = ImageFolder("photographs")  # in it a folder for each class
pictures, labels = zip(*found)
labels = np.array(labels)
parts = train_test_split(pictures, labels, test_size=0.3, random_state=0, stratify=labels)
train, valid, train_labels, valid_labels = parts
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A text of this folder, and what takes the place of its parts."""

    name: str
    chosen: Mapping[str, object]  # the names under "What you chose" in the file, and their values
    photographs: str = ""  # what it learns from, where that is not what the file has


def program_of(spec: Spec, row: BackboneRow) -> Program | None:
    """The program that does what a spec asks, or ``None`` for a goal that no program has.

    Of several classes it is about the first. Grad-CAM and the first of the attacks stand for all
    methods.
    """
    match spec:
        case Classify():
            return Program("backbones", {})
        case FeatureMaps():
            layer = spec.layer or row.stages[0].layer
            return Program("feature_maps", {"layer": layer, "channels": spec.channels})
        case Attribute() if spec.targets:
            layer = spec.layer or row.stages[-1].layer
            return Program("attribution", {"layer": layer, "target": spec.targets[0]})
        case IdealImage() if not (spec.layer or spec.photo):
            chosen = {"target": spec.target, "steps": spec.steps, "tv_weight": spec.tv_weight}
            return Program("ideal", {**chosen, "seed": spec.seed, "size": row.input_size})
        case Attack() if spec.target is not None:
            chosen = {"target": spec.target, "levels": spec.epsilon, "steps": spec.steps}
            return Program("attack", {**chosen, "confidence": spec.confidence})
    return None


_ALL = 100_000  # photographs a class: every one


def training_program(mode: str, row: BackboneRow, settings: Mapping[str, Any]) -> Program:
    """The program that trains in this mode what a ``FineTune`` with these settings trains."""
    found = mode_row(mode)
    chosen = {
        "per_class": settings.get("photos_per_class") or _ALL,
        "epochs": settings.get("epochs") or found.epochs,
        "learning_rate": settings.get("learning_rate") or found.learning_rate,
        "seed": settings.get("seed", 0),
    }
    if found.start == "pixels":
        name = "training_pixels"
    elif found.start == "random":
        name = "training_scratch"
    elif found.unfrozen == "head":
        name = "training"
    else:
        name = "training_unfrozen"
        is_all = found.unfrozen == "all"
        chosen = {"unfrozen_from": "" if is_all else row.last_block} | chosen
    photographs = "" if settings.get("dataset") == "digits" else FOLDER
    return Program(name, chosen, photographs)


def code_of(
    program: Program,
    row: BackboneRow,
    photo: str = "",
    picture: Photo | None = None,
    *,
    file: str = "photo.jpg",
) -> str:
    """Return the program about this network and this photograph.

    ``file`` is the photograph's name, where it is no sample.

    Raises:
        ValueError: If the text has no place for something that was chosen.
    """
    text = Path(__file__).with_name(f"{program.name}.txt").read_text(encoding="utf-8")
    if "# The network" in text:
        network = _network(row, is_random="# The network, from random weights" in text)
        if "set_submodule" in text:
            network += _HEADLESS.format(head=row.head)
        text = _with_section(text, "The network", network)
    if "# The scale" in text:
        text = _with_section(text, "The scale", "\n" + _numbers(row))
    text = text.replace("(224, 224)", f"({row.input_size}, {row.input_size})")
    text = text.replace("Resize(256, InterpolationMode.BICUBIC), CenterCrop(224)", _views(row))
    if picture is not None:
        text = _with_section(text, "The photograph,", _photograph(row, photo, picture, file))
    if program.photographs:
        text = _with_section(text, "The photographs:", program.photographs)
    if program.chosen:
        values = f"{', '.join(program.chosen)} = {', '.join(map(repr, program.chosen.values()))}\n"
        text = _with_section(text, "What you chose", "\n" + values)
    return text


def _network(row: BackboneRow, *, is_random: bool) -> str:
    source = row.source
    if is_random:
        lines = _RANDOM[row.library == "timm"].format(architecture=row.architecture)
    elif isinstance(source, PackagedWeights):
        lines = _LITE.format(
            package=source.package, file=source.class_name, architecture=row.architecture
        )
    else:
        lines = _TORCHVISION.format(architecture=row.architecture)
    return lines + _numbers(row)


def _numbers(row: BackboneRow) -> str:
    return _NUMBERS.format(mean=list(row.mean), std=list(row.std))


def _photograph(row: BackboneRow, key: str, picture: Photo, file: str) -> str:
    lines = _OWN.format(file=file)
    if key.startswith(PREFIX):
        found = sample(key)
        lines = _SAMPLE.format(package=found.package, path=found.path)
    size = (row.input_size, row.input_size)
    if picture.size != size:
        box = crop_box(picture.size, row.input_size, row.resize)
        resampling = f"Image.Resampling.{row.interpolation.upper()}"
        lines += f"box = {box}\nphoto = photo.resize({size}, {resampling}, box=box)\n"
    return lines + _PIXELS


def _views(row: BackboneRow) -> str:
    mode = f"InterpolationMode.{row.interpolation.upper()}"
    return f"Resize({row.resize}, {mode}), CenterCrop({row.input_size})"


def _with_section(text: str, heading: str, lines: str) -> str:
    """The text with other lines below the comment that begins with ``heading``."""
    pattern = rf"(# {re.escape(heading)}[^\n]*)\n.*?(?=\n\n+(?:# |def |torch\.)|\Z)"
    found, count = re.subn(pattern, lambda m: m[1] + lines.rstrip(), text, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"no section begins with {heading}")
    return found
