"""A model whose weights are finite, and whose answers to some pictures are not."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from tests.camera_frames import as_jpeg
from tests.model_files import packed
from tl_core import commands
from tl_core.backbones.build import PIXELS, PIXELS_SIDE
from tl_core.images.decode import content_key
from tl_core.specs.attack import Attack, SmallestBudget, Transfer
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.live import LiveFrame

_WEIGHTS = torch.zeros(2, 3 * PIXELS_SIDE**2)
_WEIGHTS[0, 0], _WEIGHTS[0, PIXELS_SIDE * (PIXELS_SIDE - 1)] = -2.9e38, 2.9e38  # top and bottom
MODEL = packed({"2.weight": _WEIGHTS, "2.bias": torch.zeros(2)}, PIXELS, "m", ("cats", "dogs"))
JPEG = as_jpeg(Image.linear_gradient("L").convert("RGB"))  # black above, white below
KEY = content_key(JPEG)
SPECS: list[Spec] = [kind(photo=KEY) for kind in (Attack, Attribute, Classify, SmallestBudget)]
SPECS += [Transfer(photo="sample:cat", original=KEY), LiveFrame(frame=JPEG)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_numbers_that_are_not_finite_are_no_answer(lab, spec):
    lab.photos.add(JPEG, "ann")
    job = lab.jobs.submit(replace(spec, backbone=lab.models.load(MODEL, "ann")), "ann")
    assert job.wait(60)
    assert "infinite or not a number" in str(job.error)


def test_a_command_says_so_in_place_of_json(tmp_path, capsys):
    model, picture = tmp_path / "model.safetensors", tmp_path / "picture.jpg"
    model.write_bytes(MODEL)
    picture.write_bytes(JPEG)
    assert commands.main(["classify", str(picture), "--backbone", str(model), "--json"]) == 2
    out, err = capsys.readouterr()
    assert (out, "infinite or not a number" in err) == ("", True)
