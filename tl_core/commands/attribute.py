"""Write a map of the reasons for a class."""

from argparse import ArgumentParser, Namespace

from tl_core.commands.common import add_photo, class_index, run_to_end
from tl_core.commands.output import Result
from tl_core.commands.paths import file_to_write, place, write
from tl_core.images.decode import decode
from tl_core.images.encode import encode_png
from tl_core.lab import Lab
from tl_core.specs.attribution import ATTRIBUTION_METHODS, Attribute


def add_arguments(parser: ArgumentParser) -> None:
    """The photograph, the class and the method."""
    parser.add_argument("image", type=place, metavar="IMAGE")
    methods = [row.key for row in ATTRIBUTION_METHODS]
    parser.add_argument("--method", default="gradcam", choices=methods)
    parser.add_argument("--target", default="", metavar="C", help="class index or name")
    parser.add_argument("--layer", default="", metavar="L", help="for the CAM methods")
    parser.add_argument("--out", type=file_to_write, required=True, metavar="OVERLAY.png")


def run(lab: Lab, options: Namespace) -> Result:
    """Write a map of what speaks for a class, over the photograph."""
    photo = add_photo(lab, options.image)
    targets = [class_index(lab, options.backbone, options.target)] if options.target else []
    spec = Attribute(
        photo=photo,
        backbone=options.backbone,
        seed=options.seed,
        methods=(options.method,),
        targets=tuple(targets),
        layer=options.layer,
    )
    found = run_to_end(lab, spec)
    best, asked = found.maps[0], found.classes[0]
    overlay = decode(best.overlay, max_pixels=lab.settings.max_pixels)
    write(options.out, encode_png(overlay))
    measured = best.faithfulness
    result = {
        "out": str(options.out),
        "method": best.method,
        "target": {"index": asked.target, "label": asked.label, "probability": asked.probability},
        "peak": list(best.peak),
        "faithfulness": {
            "before": measured.before,
            "important_blurred": measured.important,
            "random_blurred": measured.random,
        },
    }
    text = (
        f"{options.out}: {asked.label} {asked.probability:.1%}; {measured.important:.1%} with the "
        f"most important fifth blurred, {measured.random:.1%} with a random fifth"
    )
    return Result(result, text)
