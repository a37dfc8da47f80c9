import io

import numpy as np
import pytest
from PIL import Image

from tests.unit.ideal.test_runner import spec_of
from tests.unit.tiny import tiny_backbone
from tl_core.engine.job import Job
from tl_core.ideal.slot import slot_of
from tl_core.ideal.start import start_picture
from tl_core.imageopt.eight_bit import array_from, to_uint8
from tl_core.specs.ideal import StartPicture


def asked(context, spec):
    """The last snapshot of the handler."""
    steps = start_picture(Job(spec, "someone"), context)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("recipe", ["pixels", "ideal"])
def test_what_is_shown_is_what_the_picture_starts_from(context, recipe):
    found = asked(context, StartPicture(backbone="tiny", recipe=recipe, seed=7))
    slot = slot_of(spec_of(recipe=recipe, seed=7), tiny_backbone(), None)
    begun = array_from(to_uint8(slot.parameterisation.pixels(slot.state[:1])))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(found.png))), begun)
