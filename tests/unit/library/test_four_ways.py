"""What a page shows, a command writes, the library returns and a notebook says is the same."""

import nbformat
import numpy as np
import pytest

from pages.shared.notebook import notebook
from tl_core.commands import main
from tl_core.images import samples
from tl_core.images.decode import read_back
from tl_core.lab import Lab
from tl_core.specs.attack import Attack, AttackSnapshot
from tl_core.specs.attribution import Attribute, AttributeSnapshot
from tl_core.specs.base import Spec
from tl_core.specs.feature_maps import FeatureMaps, FeatureMapsSnapshot
from tl_core.specs.ideal import IdealImage, IdealSnapshot

CAT, DOG = "sample:cat", "sample:dalmatian"
SETTINGS = [
    (FeatureMaps(photo=CAT, layer="blocks.2.0", channels=9), "features --layer blocks.2.0 --top 9"),
    (FeatureMaps(photo=DOG, layer="bn1", channels=16), "features --layer bn1 --top 16"),
    (Attribute(photo=CAT, targets=(282,)), "attribute --target 282"),
    (
        Attribute(photo=DOG, methods=("integrated_gradients",)),
        "attribute --method integrated_gradients",
    ),
    (
        IdealImage(target=340, steps=6, tv_weight=20.0, seed=3, precision="fp32"),
        "ideal --target zebra --steps 6 --tv 20 --seed 3",
    ),
    (
        IdealImage(target=284, steps=4, tv_weight=0.0, precision="fp32"),
        "ideal --target 284 --steps 4 --tv 0",
    ),
    (Attack(photo=DOG, target=284, steps=8), "attack --target 284 --steps 8"),
    (
        Attack(photo=CAT, target=1, method="momentum", epsilon=4, steps=6, seed=5),
        "attack --target goldfish --method momentum --epsilon 4 --steps 6 --seed 5",
    ),
]


def of_the_page(lab: Lab, spec: Spec) -> bytes:
    job = lab.jobs.submit(spec, "ann")
    assert job.wait(120)
    assert job.error is None
    match job.snapshot:
        case FeatureMapsSnapshot(mosaic=mosaic):
            return mosaic.picture
        case AttributeSnapshot(maps=(first, *_others)):
            return first.overlay
        case AttackSnapshot(picture=picture):
            return picture
        case IdealSnapshot(png=png):
            return png
    raise AssertionError(job.snapshot)


def of_the_notebook(spec: Spec, folder, monkeypatch) -> bytes:
    monkeypatch.chdir(folder)
    photo = getattr(spec, "photo", "")
    text = notebook(("", "", "", ""), spec, "pass", photo, b"")
    cells = [c.source for c in nbformat.reads(text, as_version=4).cells if c.cell_type == "code"]
    names: dict = {}
    for cell in cells[:-1]:  # the last says it in plain PyTorch
        exec(cell, names)
    return names["found"].data


@pytest.mark.parametrize(
    ("spec", "command"), SETTINGS, ids=[command for _spec, command in SETTINGS]
)
def test_a_page_a_command_the_library_and_a_notebook_make_the_same_picture(
    lab, spec, command, tmp_path, monkeypatch
):
    verb, *options = command.split()
    photo = getattr(spec, "photo", "")
    file = tmp_path / "photo.png"
    if photo:
        file.write_bytes(samples.read(photo))
        options = [str(file), *options]
    assert main([verb, *options, "--out", str(tmp_path / "made.png")]) == 0
    written = read_back((tmp_path / "made.png").read_bytes())
    assert np.array_equal(written, read_back(of_the_page(lab, spec)))
    assert np.array_equal(written, read_back(of_the_notebook(spec, tmp_path, monkeypatch)))
