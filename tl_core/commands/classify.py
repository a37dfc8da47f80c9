"""Say what is on a photograph."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from tl_core.commands.common import OWNER, add_photo, run_to_end
from tl_core.commands.output import MODEL_SUFFIX, Result
from tl_core.commands.paths import place, read
from tl_core.lab import Lab
from tl_core.settings import LARGEST_MODEL_FILE_MB
from tl_core.specs.classify import Classify

_TURNED_AWAY = 0.05  # of new photographs of a model's classes, as on the pages at first


def add_arguments(parser: ArgumentParser) -> None:
    """The photograph, and how many classes."""
    parser.add_argument("image", type=place, metavar="IMAGE")
    parser.add_argument("--top", type=int, default=5, metavar="N")


def run(lab: Lab, options: Namespace) -> Result:
    """Classify the photograph, by a backbone or by a model's file."""
    photo = add_photo(lab, options.image)
    backbone = options.backbone
    if backbone.endswith(MODEL_SUFFIX):
        backbone = lab.models.load(read(Path(backbone), LARGEST_MODEL_FILE_MB), OWNER)
    spec = Classify(photo=photo, backbone=backbone, seed=options.seed, top=options.top)
    found = run_to_end(lab, spec)
    result = {
        "backbone": options.backbone,
        "milliseconds": round(found.milliseconds, 1),
        "answers": [asdict(best) for best in found.answers],
    }
    lines = [f"{best.probability:7.1%}  {best.label}" for best in found.answers]
    if found.novelty is not None:
        is_none = found.novelty.p_value <= _TURNED_AWAY
        result |= {"p_value": found.novelty.p_value, "is_none_of_these": is_none}
        if is_none:
            lines = [f"none of these (p = {found.novelty.p_value:.3f}); it would choose", *lines]
    return Result(result, "\n".join(lines))
