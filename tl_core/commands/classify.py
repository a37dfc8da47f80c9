"""Say what is on a photograph."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from tl_core.classify.spec import Classify
from tl_core.commands.common import add_photo, run_to_end
from tl_core.commands.output import Result
from tl_core.lab import Lab


def add_arguments(parser: ArgumentParser) -> None:
    """The photograph, and how many classes."""
    parser.add_argument("image", type=Path, metavar="IMAGE")
    parser.add_argument("--top", type=int, default=5, metavar="N")


def run(lab: Lab, options: Namespace) -> Result:
    """Classify the photograph."""
    photo = add_photo(lab, options.image)
    spec = Classify(photo=photo, backbone=options.backbone, seed=options.seed, top=options.top)
    found = run_to_end(lab, spec)
    result = {
        "backbone": options.backbone,
        "milliseconds": round(found.milliseconds, 1),
        "answers": [asdict(best) for best in found.answers],
    }
    return Result(
        result, "\n".join(f"{best.probability:7.1%}  {best.label}" for best in found.answers)
    )
