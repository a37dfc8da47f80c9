"""The commands that teachers and tests use; each prints text, or one JSON object with --json."""

import argparse
import importlib
from collections.abc import Sequence
from typing import Any, NoReturn

from tl_core.commands.output import Result, clear_line, remark
from tl_core.errors import UserError

# A module of this package each, with add_arguments(parser) and run(options)
_COMMANDS = {
    "doctor": "say what will fail, and what this machine has",
    "prepare": "download weights and data sets before the class arrives",
    "mirror": "fill a folder that a room without internet installs from",
    "bench": "measure the figures of docs/measured.md again",
}
_VERBS = {
    "classify": "say what is on a photograph",
    "features": "write a layer's most active feature maps",
    "attribute": "write a map of the reasons for a class",
    "ideal": "draw what a network would most like to see",
    "attack": "make a photograph be seen as something else",
    "train": "teach a network the classes of a folder",
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
        return int(_command("bench").run(arguments[1:]))
    try:
        options = _options(arguments)
        result: Result = _command(options.command).run(options)
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


def _command(name: str) -> Any:
    """What does a command, imported once it is asked for: torch alone takes seconds."""
    if name in _VERBS:
        return importlib.import_module("tl_core.commands.verbs").VERBS[name]
    return importlib.import_module(f"tl_core.commands.{name}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """What was typed, options and names in any order."""
    parser = _Parser(prog="python -m tl_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, summary in (_COMMANDS | _VERBS).items():
        chosen = commands.add_parser(name, help=summary, description=summary)
        if name in arguments[:1]:
            chosen.add_argument("--json", action="store_true", help="print one JSON object")
            _command(name).add_arguments(chosen)
            return chosen.parse_intermixed_args(arguments[1:], argparse.Namespace(command=name))
    return parser.parse_args(arguments[:1])  # shows the help, or refuses
