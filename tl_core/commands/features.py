"""Write a layer's most active feature maps."""

from argparse import ArgumentParser, Namespace

from tl_core.commands.common import add_photo, run_to_end
from tl_core.commands.output import Result
from tl_core.commands.paths import file_to_write, place, write
from tl_core.lab import Lab
from tl_core.specs.feature_maps import FeatureMaps


def add_arguments(parser: ArgumentParser) -> None:
    """The photograph, and which maps."""
    parser.add_argument("image", type=place, metavar="IMAGE")
    parser.add_argument("--layer", default="", metavar="L", help="the first one if not named")
    parser.add_argument("--top", type=int, default=16, metavar="N")
    parser.add_argument("--out", type=file_to_write, required=True, metavar="GRID.png")


def run(lab: Lab, options: Namespace) -> Result:
    """Write the mosaic of the layer's most active channels."""
    spec = FeatureMaps(
        photo=add_photo(lab, options.image),
        backbone=options.backbone,
        seed=options.seed,
        layer=options.layer,
        channels=options.top,
    )
    found = run_to_end(lab, spec)
    write(options.out, found.mosaic.picture)
    result = {
        "out": str(options.out),
        "layer": found.facts.layer,
        "shape": list(found.facts.shape),
        "stride": found.facts.stride,
        "receptive_field": found.facts.receptive_field,
        "channels": list(found.mosaic.channels),
    }
    shown, channels = len(found.mosaic.channels), found.facts.shape[0]
    return Result(result, f"{options.out}: {shown} of {channels} channels")
