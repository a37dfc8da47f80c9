"""The handler that shows what an ideal image starts from."""

from tl_core.context import Context, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.imageopt.eight_bit import array_from, to_uint8
from tl_core.imageopt.pixels import PARAMETERISATIONS
from tl_core.images.encode import encode_png
from tl_core.specs.base import Snapshot
from tl_core.specs.ideal import StartPicture, StartSnapshot
from tl_core.specs.ideal_recipes import RECIPES


def start_picture(job: Job[StartPicture], context: Context) -> Sliced[Snapshot]:
    """Draw the noise of the seed, or the photograph at the network's size."""
    spec = job.spec
    backbone = yield from context.backbone(spec.backbone)
    parameterisation = PARAMETERISATIONS[RECIPES[spec.recipe].parameterisation]
    if spec.photo:
        photo = yield from context.in_pool(context.photos.photo, spec.photo)
        pixels = pixels_from(backbone.row.fit(photo), context.device)
        parameters = parameterisation.encode(pixels)
    else:
        parameters = parameterisation.noise(backbone.input_size, spec.seed)[None]
    levels = to_uint8(parameterisation.pixels(parameters))
    return StartSnapshot(step=1, steps=1, png=encode_png(array_from(levels)))
