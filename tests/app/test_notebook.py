"""The notebooks that pages hand out run from top to bottom, and say what the page says."""

import io
import os
import re
import sys

import nbclient
import nbformat
import pytest
from PIL import Image

from pages.shared.notebook import notebook, page_words
from pages.shared.sitemap import ATTACK, ATTRIBUTION, BACKBONES, FEATURE_MAPS, IDEAL
from tests.app_process import ROOT
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.images import samples
from tl_core.programs.calls import call_of
from tl_core.programs.program import code_of, program_of
from tl_core.specs.attack import Attack
from tl_core.specs.attribution import Attribute
from tl_core.specs.classify import Classify
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage

CAT = "sample:cat"
OWN = "sha256:own"
FOUND = [
    (BACKBONES, Classify(photo=CAT), r"tiger cat (\d\d\.\d)%"),
    (FEATURE_MAPS, FeatureMaps(photo=CAT, layer="blocks.4.0", channels=9), r"(9) of 112 channels"),
    (ATTRIBUTION, Attribute(photo=CAT, targets=(282,)), r"tiger cat (\d\d\.\d)%; "),
    (IDEAL, IdealImage(target=340, steps=8, tv_weight=20.0, seed=3), r"zebra (\d+\.\d)% after 8"),
    (ATTACK, Attack(photo=CAT, target=284, steps=20), r"Siamese cat (\d\d\.\d)% within 1 of"),
]


def made(page, spec, data=b""):
    """The page's notebook, as the file that a visitor gets."""
    photo = getattr(spec, "photo", "")
    picture = None
    if photo:
        picture = Image.open(io.BytesIO(data or samples.read(photo))).convert("RGB")
    code = code_of(program_of(spec, CATALOGUE[0]), CATALOGUE[0], photo, picture)
    return nbformat.reads(notebook(page_words(page), spec, code, photo, data), as_version=4)


@pytest.fixture
def installed(monkeypatch):
    """As where the library is installed."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))


def said(found, folder):
    """What its code cells print, one text for each."""
    client = nbclient.NotebookClient(found, timeout=120, resources={"metadata": {"path": folder}})
    client.execute()
    cells = [cell for cell in found.cells if cell.cell_type == "code"]
    return ["".join(out.get("text", "") for out in cell.outputs) for cell in cells]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
@pytest.mark.parametrize(("page", "spec", "figure"), FOUND, ids=[row[0].topic for row in FOUND])
def test_a_downloaded_notebook_says_what_the_page_says(
    page, spec, figure, lab, tmp_path, installed
):
    found = made(page, spec)
    nbformat.validate(found)
    *_, library, plain = said(found, tmp_path)
    job = lab.jobs.submit(spec, "ann")
    assert job.wait(120)
    answer = job.snapshot
    expected = {
        BACKBONES: lambda: answer.answers[0].probability,
        FEATURE_MAPS: lambda: 0.09,
        ATTRIBUTION: lambda: answer.classes[0].probability,
        IDEAL: lambda: answer.probability,
        ATTACK: lambda: answer.after[0].probability,
    }[page]()
    shown = re.search(figure, library)
    assert shown, library
    assert float(shown[1]) == pytest.approx(100 * expected, abs=0.06)
    assert plain


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ones_own_photograph_is_inside(tmp_path, installed):
    data = samples.read("sample:dalmatian")
    found = made(BACKBONES, Classify(photo=OWN), data)
    *_, library, plain = said(found, tmp_path)
    assert "dalmatian" in library and "dalmatian" in plain  # noqa: PT018
    assert (tmp_path / "photo.jpg").read_bytes() == data


def test_its_words_are_the_lessons_without_links_into_the_glossary():
    found = made(ATTACK, Attack(photo=CAT, target=284))
    text = "".join(cell.source for cell in found.cells if cell.cell_type == "markdown")
    assert "**Adversarial attack**: change" in text
    assert "](#" not in text


def test_it_is_the_same_file_each_time():
    words, spec = page_words(IDEAL), IdealImage(target=340)
    assert notebook(words, spec, "pass", "", b"") == notebook(words, spec, "pass", "", b"")


@pytest.mark.parametrize(
    ("spec", "call"),
    [
        (Classify(photo=CAT, top=3), "net.classify(photo, top=3)"),
        (
            FeatureMaps(photo=CAT, layer="bn1", channels=4),
            "net.feature_maps(photo, layer='bn1', top=4)",
        ),
        (
            Attribute(photo=CAT, methods=("occlusion", "gradcam"), targets=(5,), patch=16),
            "net.attribute(photo, method='occlusion', target=5, patch=16)",
        ),
        (IdealImage(target=7, tv_weight=5.0, seed=2), "net.ideal(7, seed=2, tv=5.0)"),
        (IdealImage(photo=OWN, target=7), "net.ideal(7, start=photo)"),
        (Attack(photo=CAT, target=None, epsilon=2), "net.attack(photo, None, epsilon=2)"),
    ],
)
def test_a_page_is_a_line_of_the_library(spec, call):
    assert sorted(re.split(r"[(), ]+", call_of(spec))) == sorted(re.split(r"[(), ]+", call))
