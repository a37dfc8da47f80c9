"""The commands that teachers and tests use; each prints text, or one JSON object with --json."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tl_core.commands import (
    attack,
    attribute,
    bench,
    classify,
    doctor,
    features,
    ideal,
    prepare,
    train,
)
from tl_core.errors import UserError
from tl_core.lab import Lab, Settings
from tl_core.specs import DEFAULT_BACKBONE

# Each module has add_arguments(parser) and run(lab, options)
_COMMANDS: dict[str, tuple[ModuleType, str]] = {
    "doctor": (doctor, "say what this machine has, and how to get what is missing"),
    "prepare": (prepare, "download weights and data sets before the class arrives"),
    "classify": (classify, "say what is on a photograph"),
    "features": (features, "write a layer's most active feature maps"),
    "attribute": (attribute, "write a map of the reasons for a class"),
    "ideal": (ideal, "draw what a network would most like to see"),
    "attack": (attack, "make a photograph be seen as something else"),
    "train": (train, "teach a network the classes of a folder"),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status: 0 for success, 2 for a user's mistake."""
    if arguments[:1] == ["bench"]:
        return bench.run(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        with Lab(_settings(options)) as lab:
            result, text = options.run(lab, options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(json.dumps(result) if options.json else text)
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    """The environment's, except that a command may name where its data are."""
    settings = Settings.from_env()
    data: Path | None = getattr(options, "data", None)
    return settings if data is None else train.settings_beside(data, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tl_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, summary) in _COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=command.run)
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        sub.add_argument("--backbone", default=DEFAULT_BACKBONE, metavar="B")
        sub.add_argument("--seed", type=int, default=0, metavar="S")
        command.add_arguments(sub)
    commands.add_parser("bench", help="measure the figures that the README quotes")
    return parser
