"""The commands that teachers and tests use; each prints text, or one JSON object with --json."""

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from tl_core.commands.output import MODEL_SUFFIX, Result, clear_line, remark
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.base import DEFAULT_BACKBONE


@dataclass(frozen=True, slots=True)
class _Command:
    """A module of this package, imported once it is asked for: torch alone takes seconds."""

    summary: str
    needs_lab: bool = True  # run(lab, options); else run(settings, options)
    takes_model: bool = False  # a model's file for --backbone


# Each module has add_arguments(parser) and run
_COMMANDS = {
    "doctor": _Command("say what will fail, and what this machine has", needs_lab=False),
    "prepare": _Command("download weights and data sets before the class arrives"),
    "mirror": _Command("fill a folder that a room without internet installs from", needs_lab=False),
    "classify": _Command("say what is on a photograph", takes_model=True),
    "features": _Command("write a layer's most active feature maps"),
    "attribute": _Command("write a map of the reasons for a class"),
    "ideal": _Command("draw what a network would most like to see"),
    "attack": _Command("make a photograph be seen as something else"),
    "train": _Command("teach a network the classes of a folder", needs_lab=False),
    "bench": _Command("measure the figures of docs/measured.md again"),
}


class _Parser(argparse.ArgumentParser):
    """Says in one line what was typed wrong."""

    def error(self, message: str) -> NoReturn:
        raise UserError(
            "{message}. {program} --help says what there is.", message=message, program=self.prog
        )


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status.

    0 is success, 1 what ``doctor`` and ``mirror`` found missing, 2 a user's mistake.
    """
    if arguments[:1] == ["bench"]:
        return int(_module("bench").run(arguments[1:]))
    try:
        options = _options(arguments)
        result = _run(options)
    except UserError as error:
        remark(" ".join(str(error).splitlines()))
        return 2
    except KeyboardInterrupt:
        remark("Stopped.")
        return 130
    clear_line()
    if options.json or result.text:
        print(result.to_json() if options.json else result.text)
    for line in result.failures:
        remark(line)
    return result.status


def _run(options: argparse.Namespace) -> Result:
    settings, run = Settings.from_env(), _module(options.command).run
    command = _COMMANDS[options.command]
    if not (command.takes_model and options.backbone.endswith(MODEL_SUFFIX)):
        from tl_core.backbones.catalogue import CATALOGUE, row_of  # here: it loads numpy

        row_of(options.backbone, {row.key: row for row in CATALOGUE})
    if not command.needs_lab:
        return cast(Result, run(settings, options))
    from tl_core.lab import Lab  # here: it imports torch

    with Lab(settings) as lab:
        return cast(Result, run(lab, options))


def _module(name: str) -> Any:
    return importlib.import_module(f"tl_core.commands.{name}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """What was typed, options and names in any order."""
    parser = _Parser(prog="python -m tl_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, command in _COMMANDS.items():
        chosen = commands.add_parser(name, help=command.summary, description=command.summary)
        if name in arguments[:1]:
            chosen.add_argument("--json", action="store_true", help="print one JSON object")
            chosen.add_argument("--backbone", default=DEFAULT_BACKBONE, metavar="B")
            chosen.add_argument("--seed", type=int, default=0, metavar="S")
            _module(name).add_arguments(chosen)
            return chosen.parse_intermixed_args(arguments[1:], argparse.Namespace(command=name))
    return parser.parse_args(arguments[:1])  # shows the help, or refuses
