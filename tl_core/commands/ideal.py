"""Draw what a network would most like to see."""

import math
from argparse import ArgumentParser, Namespace
from dataclasses import replace

from tl_core.commands import common
from tl_core.commands.output import Result
from tl_core.commands.paths import file_to_write, place, write
from tl_core.errors import UserError
from tl_core.lab import Lab
from tl_core.specs.ideal import IdealImage


def add_arguments(parser: ArgumentParser) -> None:
    """The class, or saved settings, and how to draw."""
    parser.add_argument("--target", default="", metavar="C", help="class index or name")
    parser.add_argument("--steps", type=int, default=256, metavar="N")
    parser.add_argument("--tv", type=float, metavar="W", help="total-variation weight")
    parser.add_argument("--spec", type=place, metavar="FILE.json", help="replay saved settings")
    parser.add_argument("--photo", type=place, metavar="IMAGE", help="start from it, not noise")
    parser.add_argument("--out", type=file_to_write, required=True, metavar="PICTURE.png")


def run(lab: Lab, options: Namespace) -> Result:
    """Draw the picture and write it with its settings inside."""
    spec = _spec(lab, options)
    if options.photo is not None:
        spec = replace(spec, photo=common.add_photo(lab, options.photo))
    found = common.run_to_end(lab, spec, show=common.show_step)
    write(options.out, found.png)
    has_probability = not math.isnan(found.probability)
    result = {
        "out": str(options.out),
        "target": spec.target,
        "probability": found.probability,
        "total_variation": found.total_variation,
        "steps": found.step,
    }
    probability = f" probability {found.probability:.1%}" if has_probability else ""
    return Result(result, f"{options.out}:{probability} after {found.step} steps")


def _spec(lab: Lab, options: Namespace) -> IdealImage:
    if options.spec is not None:
        return common.read_spec(options.spec, IdealImage)
    if not options.target:
        raise UserError("Name a class with --target, or a settings file with --spec.")
    spec = IdealImage(
        target=common.class_index(lab, options.backbone, options.target),
        backbone=options.backbone,
        seed=options.seed,
        steps=options.steps,
    )
    return spec if options.tv is None else replace(spec, tv_weight=options.tv)
