"""The library's verbs on a command line: one table of what each takes, made from the specs."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from tl_core.commands import answers
from tl_core.commands.output import Result
from tl_core.commands.paths import file_to_write, place
from tl_core.specs.attack import Attack
from tl_core.specs.attack_methods import ATTACK_METHODS
from tl_core.specs.attribution import ATTRIBUTION_METHODS, Attribute
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import MODES, FineTune


@dataclass(frozen=True, slots=True)
class Argument:
    """One that is typed; without ``kind`` it is a field of the spec, with its kind and default."""

    name: str
    shown: str | None = None  # for its value, in the help
    help: str | None = None
    field: str = ""  # where the spec calls it otherwise
    kind: Callable[[str], Any] | None = None
    choices: Collection[str] | None = None
    options: tuple[tuple[str, Any], ...] = ()  # further ones of ``add_argument``


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: whose fields it takes, and what it does."""

    spec: type[Spec]
    arguments: tuple[Argument, ...]
    run: Callable[[Namespace], Result]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Let a parser read what the verb takes."""
        kinds = get_type_hints(self.spec)
        for one in (*_ALL, *self.arguments):
            options: dict[str, Any] = {"metavar": one.shown, "help": one.help, "type": one.kind}
            if one.kind is None:
                field = one.field or one.name.strip("-").replace("-", "_")
                kind = (*get_args(kinds[field]), kinds[field])[0]  # float of ``float | None``
                options |= {"type": kind, "default": getattr(self.spec, field)}
            parser.add_argument(one.name, choices=one.choices, **options, **dict(one.options))


def _out(shown: str) -> Argument:
    return Argument("--out", shown, kind=file_to_write, options=(("required", True),))


_ALL = (
    Argument("--backbone", "B", "a network's name, or a file of a model that was taught"),
    Argument("--seed", "S"),
)
_IMAGE = Argument("image", "IMAGE", kind=place)
_IN_WORDS = "class index or name"
_STEPS = Argument("--steps", "N")

VERBS = {
    "classify": Verb(Classify, (_IMAGE, Argument("--top", "N")), answers.classify),
    "features": Verb(
        FeatureMaps,
        (
            _IMAGE,
            Argument("--layer", "L", "the first one if not named"),
            Argument("--top", "N", field="channels"),
            _out("GRID.png"),
        ),
        answers.features,
    ),
    "attribute": Verb(
        Attribute,
        (
            _IMAGE,
            Argument(
                "--method",
                kind=str,
                choices=[row.key for row in ATTRIBUTION_METHODS],
                options=(("default", "gradcam"),),
            ),
            Argument("--target", "C", _IN_WORDS, kind=str),
            Argument("--layer", "L", "for the CAM methods"),
            _out("OVERLAY.png"),
        ),
        answers.attribute,
    ),
    "ideal": Verb(
        IdealImage,
        (
            Argument("--target", "C", _IN_WORDS, kind=str),
            _STEPS,
            Argument("--tv", "W", "total-variation weight", field="tv_weight"),
            Argument("--spec", "FILE.json", "replay saved settings", kind=place),
            Argument("--photo", "IMAGE", "start from it, not noise", kind=place),
            _out("PICTURE.png"),
        ),
        answers.ideal,
    ),
    "attack": Verb(
        Attack,
        (
            _IMAGE,
            Argument("--target", "C", _IN_WORDS, kind=str, options=(("required", True),)),
            Argument("--epsilon", "E", "levels of 1/255"),
            _STEPS,
            Argument(
                "--confidence",
                "SHARE",
                "go on until the network is that sure; 0: until the class is on top",
            ),
            Argument("--method", choices=list(ATTACK_METHODS)),
            _out("PICTURE.png"),
            Argument("--original", "PICTURE.png", "as the network saw it", kind=file_to_write),
        ),
        answers.attack,
    ),
    "train": Verb(
        FineTune,
        (
            Argument("--data", "DIR", "a folder per class", kind=place),
            Argument(
                "--spec",
                "FILE.json",
                "all settings of training, as the page hands them out; beside it only --data "
                "counts",
                kind=place,
            ),
            Argument("--mode", choices=[row.key for row in MODES]),
            Argument("--epochs", "N", "0: the mode's own"),
            Argument("--photos-per-class", "N", "to learn from; 0: all"),
            _out("MODEL.safetensors"),
        ),
        answers.train,
    ),
}
