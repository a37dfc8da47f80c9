"""Make a photograph be seen as something else."""

from argparse import ArgumentParser, Namespace

from tl_core.commands import common
from tl_core.commands.output import Result
from tl_core.commands.paths import file_to_write, place, write
from tl_core.errors import UserError
from tl_core.lab import Lab
from tl_core.specs.attack import Attack
from tl_core.specs.attack_methods import ATTACK_METHODS


def add_arguments(parser: ArgumentParser) -> None:
    """The photograph, the class and the budget."""
    parser.add_argument("image", type=place, metavar="IMAGE")
    parser.add_argument("--target", required=True, metavar="C", help="class index or name")
    parser.add_argument(
        "--epsilon", type=int, default=Attack.epsilon, metavar="E", help="levels of 1/255"
    )
    parser.add_argument("--steps", type=int, default=Attack.steps, metavar="N")
    parser.add_argument(
        "--confidence",
        type=float,
        default=Attack.confidence,
        metavar="SHARE",
        help="go on until the network is that sure; 0: until the class is on top",
    )
    parser.add_argument("--method", default=Attack.method, choices=list(ATTACK_METHODS))
    parser.add_argument("--out", type=file_to_write, required=True, metavar="PICTURE.png")
    parser.add_argument(
        "--original", type=file_to_write, metavar="PICTURE.png", help="as the network saw it"
    )


def run(lab: Lab, options: Namespace) -> Result:
    """Change a photograph until the network sees the target in it."""
    if options.original is not None and options.original.resolve() == options.out.resolve():
        raise UserError("--out and --original are the same file. Give them two names.")
    spec = Attack(
        photo=common.add_photo(lab, options.image),
        target=common.class_index(lab, options.backbone, options.target),
        backbone=options.backbone,
        seed=options.seed,
        epsilon=options.epsilon,
        steps=options.steps,
        method=options.method,
        confidence=options.confidence,
    )
    found = common.run_to_end(lab, spec, show=common.show_step)
    write(options.out, found.picture)
    if options.original is not None:
        write(options.original, found.original)
    result = {
        "out": str(options.out),
        "target": spec.target,
        "fooled": found.is_fooled,
        "steps": found.first_success,
        "confident_steps": found.first_confident,
        "probability": found.probability,
        "before": found.before[0].label,
        "after": found.after[0].label,
        "linf_levels": found.gap.linf_levels,
        "psnr_db": found.gap.psnr_db,
        "changed_values": found.gap.changed_values,
    }
    verdict = "not fooled"
    if found.is_fooled:
        verdict = (
            f"fooled after {found.first_success} steps, {found.probability:.0%} sure at the end"
        )
    text = f"{options.out}: {verdict}; {found.before[0].label} is seen as {found.after[0].label}"
    return Result(result, text)
