"""The sample gallery: photographs that installed packages carry, read where they lie."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tl_core.errors import Phrase, UserError
from tl_core.errors import gettext_noop as N_

PREFIX = "sample:"
Kind = Literal["cat", "dog", "bird", "insect", "fruit", "building", "space", "thing"]

_FOOLBOX = N_("ImageNet, from the package foolbox; all rights held by its photographer")
_VAN_DER_WALT = N_("scikit-image; Stéfan van der Walt, CC0")
_MICHETTI = N_("scikit-image; Rachel Michetti, CC0")
_SPACEX = N_("scikit-image; SpaceX, public domain")
_NASA = N_("scikit-image; NASA, public domain")


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph of the gallery."""

    key: str  # "sample:<name>", as specs and links name it
    label: str  # what visitors read
    kind: Kind  # what it shows: photographs of one kind are neighbours to a trained network
    package: str  # the installed package that carries it
    path: str  # inside that package
    credit: str  # where it comes from and who may use it
    imagenet_class: int | None = None  # its true class, where it is known


def _skimage(name: str, label: str, file: str, credit: str, kind: Kind = "thing") -> Sample:
    return Sample(PREFIX + name, label, kind, "skimage", f"data/{file}", credit)


def _imagenet(name: str, label: str, number: int, truth: int, kind: Kind = "thing") -> Sample:
    path = f"data/imagenet_{number:02d}_{truth}.jpg"
    return Sample(PREFIX + name, label, kind, "foolbox", path, _FOOLBOX, truth)


SAMPLES: tuple[Sample, ...] = (
    _skimage("cat", N_("Cat"), "chelsea.png", _VAN_DER_WALT, kind="cat"),
    _imagenet("bull-mastiff", N_("Dog (bull mastiff)"), 0, 243, kind="dog"),
    _imagenet("dalmatian", N_("Dog (dalmatian)"), 16, 251, kind="dog"),
    _skimage("coffee", N_("Cup of coffee"), "coffee.png", _MICHETTI),
    _imagenet("strawberries", N_("Strawberries"), 4, 949, kind="fruit"),
    _imagenet("eagle", N_("Eagle"), 17, 22, kind="bird"),
    _imagenet("geese", N_("Geese"), 15, 99, kind="bird"),
    _imagenet("car", N_("Off-road car"), 7, 609),
    _imagenet("drum", N_("Drum"), 10, 541),
    _imagenet("shoe", N_("Shoe"), 11, 630),
    _imagenet("chairs", N_("Folding chairs"), 1, 559),
    _imagenet("cottage", N_("House with a thatched roof"), 5, 853, kind="building"),
    _imagenet("yurts", N_("Yurts in a forest"), 8, 915, kind="building"),
    _imagenet("beaker", N_("Glass beakers"), 2, 438),
    _imagenet("chestnuts", N_("Horse chestnuts"), 3, 990, kind="fruit"),
    _imagenet("beetle", N_("Beetle"), 19, 305, kind="insect"),
    _imagenet("leafhopper", N_("Leafhopper"), 18, 317, kind="insect"),
    _skimage(
        "rocket",
        N_("Rocket"),
        "rocket.jpg",
        _SPACEX,
        kind="space",
    ),
    _skimage("astronaut", N_("Astronaut"), "astronaut.png", _NASA, kind="space"),
    _skimage("galaxies", N_("Galaxies"), "hubble_deep_field.jpg", _NASA, kind="space"),
)
_BY_KEY = {sample.key: sample for sample in SAMPLES}


def sample(key: str) -> Sample:
    """The gallery's row for ``key``.

    Raises:
        UserError: If the gallery has no such photograph.
    """
    if key not in _BY_KEY:
        raise UserError(
            "There is no sample photograph called {key}. Choose one of: {keys}.",
            key=key,
            keys=", ".join(_BY_KEY),
        )
    return _BY_KEY[key]


def read(key: str) -> bytes:
    """The photograph's file, from the package that carries it; the package is not imported.

    Raises:
        UserError: If the gallery has no such photograph, or its package is not installed.
    """
    row = sample(key)
    spec = importlib.util.find_spec(row.package)
    try:
        if spec is None or spec.origin is None:
            raise FileNotFoundError(row.package)
        return (Path(spec.origin).parent / row.path).read_bytes()
    except OSError as error:
        raise UserError(
            "The photograph {label} needs the package {package}, which isn't fully installed "
            "here. Install requirements.txt again or choose another photograph.",
            label=Phrase(row.label),
            package=row.package,
        ) from error
