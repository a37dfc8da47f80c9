"""The code that the pages show runs as it is, and finds what the page shows."""

import dataclasses
import io
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from pages.shared.sitemap import PAGES
from tests.app.conftest import settled
from tests.app_process import ROOT
from tests.local_compute import local
from tl_core.attribution.methods import METHODS
from tl_core.attribution.pixel_model import PixelModel
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.backbones.store import BackboneStore
from tl_core.context import pixels_from
from tl_core.datasets.dataset import sample_per_class
from tl_core.feature_maps.activations import probe
from tl_core.feature_maps.mosaic import most_active
from tl_core.images import samples
from tl_core.images.decode import decode
from tl_core.images.photo import to_array
from tl_core.programs.program import FOLDER, Program, code_of
from tl_core.programs.program import training_program as program_of
from tl_core.settings import Settings
from tl_core.specs.attribution import Attribute
from tl_core.specs.training import FineTune
from tl_core.training import embeddings
from tl_core.training.data import split_by_spec

CAT = "sample:cat"
LITE0 = CATALOGUE[0]
CODE = sorted((ROOT / "tl_core" / "programs").glob("*.txt"))


@pytest.fixture(scope="module")
def lite0():
    return BackboneStore(Settings.from_env(), torch.device("cpu")).load(LITE0.key)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a page's code in a folder of its own; returns its names and what it printed."""
    monkeypatch.chdir(tmp_path)

    def done(name, *, photo="", photographs="", **chosen):
        picture = decode(samples.read(photo), max_pixels=10**7) if photo else None
        code = code_of(Program(name, chosen, photographs), LITE0, photo, picture)
        names: dict[str, object] = {}
        exec(compile(code, f"{name}.py", "exec"), names)
        return names

    return done


def picture_of(file):
    return Image.open(io.BytesIO(file)).convert("RGB")


def seen(lite0, photo=CAT):
    picture = LITE0.fit(decode(samples.read(photo), max_pixels=10**7))
    return pixels_from(
        to_array(picture) if isinstance(picture, Image.Image) else picture, lite0.device
    )


def test_every_page_has_its_code_of_10_to_45_lines():
    ways = {"training_unfrozen", "training_scratch", "training_pixels"}  # beside the head's
    assert {file.stem for file in CODE} == {row.topic for row in PAGES} | ways
    for file in CODE:
        lines = [line for line in file.read_text().splitlines() if line and line[0] not in '#"']
        assert 10 <= len(lines) <= (75 if file.stem in ways else 45), (file.stem, len(lines))


def test_the_classification_has_the_pages_logits(run, lite0, capsys):
    names = run("backbones", photo=CAT)
    with torch.no_grad():
        torch.testing.assert_close(names["logits"], lite0.logits(seen(lite0)), atol=1e-4, rtol=0)
    assert "tiger cat" in capsys.readouterr().out


def test_a_layers_maps_are_those_of_the_page(run, lite0):
    names = run("feature_maps", photo=CAT, layer="blocks.4.0", channels=9)
    found = probe(lite0, seen(lite0), ["blocks.4.0"])["blocks.4.0"][0]
    torch.testing.assert_close(names["maps"], found, atol=1e-4, rtol=0)
    assert tuple(names["most"].tolist()) == most_active(found.numpy(), 9)[0]
    assert Path("maps.png").exists()


def test_grad_cam_is_that_of_the_page(run, lite0):
    names = run("attribution", photo=CAT, layer="bn2", target=282)
    spec = Attribute(photo=CAT, targets=(282,), layer="bn2")
    slices = METHODS["gradcam"].run(PixelModel(lite0), seen(lite0), spec)
    with pytest.raises(StopIteration) as end:
        while True:
            next(slices)
    torch.testing.assert_close(names["cam"], end.value.value[0], atol=1e-4, rtol=0)


@pytest.mark.slow
def test_the_lessons_ideal_image_convinces_the_network(run, lite0):
    names = run("ideal", target=340, steps=64, tv_weight=50, seed=0, size=224)
    saved = pixels_from(to_array(Image.open("ideal.png")), lite0.device)
    with torch.no_grad():
        probability = lite0.logits(saved).softmax(1)[0, 340].item()
    assert probability > 0.9
    assert probability == pytest.approx(names["probability"], abs=1e-4)


def test_the_attack_fools_the_network_by_its_saved_picture(run, lite0):
    run("attack", photo="sample:dalmatian", target=284, levels=1, steps=60, confidence=0.9)
    saved = pixels_from(to_array(Image.open("fooled.png")), lite0.device)
    with torch.no_grad():
        probs = lite0.logits(saved).softmax(1)[0]
    assert probs.argmax() == 284
    assert probs[284] >= 0.9
    change = (saved - seen(lite0, "sample:dalmatian")).abs().max() * 255
    assert change.round() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "per_class", "tested", "epochs"),
    [
        ("head", 8, 60, 30),
        ("pixels", 20, 200, 30),
        ("last-block", 1, 20, 1),
        ("full", 1, 20, 1),
        ("scratch", 1, 20, 1),  # more than 16 pictures go through the page's network in parts
    ],
)
def test_a_way_to_teach_learns_what_the_page_does_from_the_same_pictures(
    run, lab, monkeypatch, mode, per_class, tested, epochs
):
    # as the program does: in bfloat16 another epoch of the head may be the best
    monkeypatch.setattr(embeddings, "has_bf16", lambda _device: False)
    spec = FineTune(
        dataset="digits",
        mode=mode,
        photos_per_class=per_class,
        max_validation=tested,
        epochs=epochs,
    )
    dataset = local(lab).context.datasets.packaged("digits")
    parts = split_by_spec(dataset, spec)
    train = sample_per_class(parts.train, spec.photos_per_class, seed=spec.seed)
    same = types.ModuleType("same_pictures")
    for name, examples in (("train", train), ("valid", parts.validation)):
        setattr(same, name, [picture_of(dataset.read(one)) for one in examples])
        setattr(same, f"{name}_labels", np.array([one.label for one in examples]))
    monkeypatch.setitem(sys.modules, "same_pictures", same)
    photographs = "\nfrom same_pictures import train, train_labels, valid, valid_labels\n"
    program = program_of(mode, LITE0, dataclasses.asdict(spec))
    names = run(program.name, photographs=photographs, **program.chosen)
    job = lab.jobs.submit(spec, "ann")
    assert job.wait(120)
    if mode in ("head", "pixels"):
        assert names["best"] == pytest.approx(job.snapshot.result.accuracy, abs=0.02)
        return
    found = next(point for point in job.snapshot.epochs if point.part == "network")
    assert names["losses"][0] == pytest.approx(found.train_loss, rel=0.02)
    assert names["best"][0] == pytest.approx(job.snapshot.result.accuracy, abs=1.5 / tested)


def test_ones_own_photographs_are_read_from_a_folder(run):
    digits = load_digits()
    for label in (0, 1):
        for number, image in enumerate(digits.images[digits.target == label][:12]):
            file = Path("photographs") / str(label) / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((image * 15.9375).astype(np.uint8)).save(file)
    names = run(
        "training", photographs=FOLDER, per_class=100, epochs=10, learning_rate=1e-3, seed=0
    )
    assert names["best"] > 0.8


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.key)
@pytest.mark.parametrize("file", CODE, ids=lambda file: file.stem)
def test_the_code_of_every_network_is_python_about_that_network(row, file):
    picture = Image.new("RGB", (640, 480)) if "# The photograph," in file.read_text() else None
    code = code_of(Program(file.stem, {}), row, "sha256:0", picture)
    compile(code, file.name, "exec")
    if "# The network" in file.read_text():
        assert row.architecture in code
        assert ("tf_efficientnet_lite0" in code) == (row.key == LITE0.key)
    if "photo.resize" in code:
        assert f"resize(({row.input_size}, {row.input_size})" in code


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.title)
def test_a_page_shows_its_code_with_what_is_chosen(open_page, row):
    page = settled(open_page(row.address))
    assert not page.code
    page.toggle(key="code").set_value(True).run()
    assert not page.exception
    (shown,) = (block.value for block in page.code if "efficientnet_lite0" in block.value)
    assert re.search(r"\bnet\b", shown)
    assert "What you chose" not in shown or re.search(r"# What you chose\n\w", shown)
