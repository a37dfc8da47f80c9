import json
import re
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from pages.languages import ASSETS
from tests.pictures.home import FOLDER, GAP_PX, IDEAL, THEMES, curve
from tl_core.commands.common import OWNER, run_to_end
from tl_core.images.encode import encode_png
from tl_core.specs.classify import Classify

FIGURES = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))


def test_the_pictures_are_small():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 250_000


@pytest.mark.parametrize("theme", THEMES)
def test_the_curve_is_drawn_from_the_figures_beside_it(theme):
    svg = (FOLDER / f"training_{theme}.svg").read_text(encoding="utf-8")
    assert svg == curve(FIGURES["training"]["pretrained"], FIGURES["training"]["scratch"], theme)


def test_the_network_that_did_not_draw_the_ideal_cat_sees_it_too():
    assert FIGURES["ideal"]["judge_class"] == IDEAL


@pytest.mark.parametrize("side", ["before", "after"])
def test_the_pair_is_seen_as_the_figures_say(side, app_lab):
    pair = Image.open(FOLDER / "fooled.webp").convert("RGB")
    left = 0 if side == "before" else pair.height + GAP_PX
    half = pair.crop((left, 0, left + pair.height, pair.height))
    photo = app_lab.photos.add(encode_png(half), OWNER)
    best = run_to_end(app_lab, Classify(photo=photo)).answers[0]
    assert best.label == FIGURES["fooled"][side]
    assert best.probability == pytest.approx(FIGURES["fooled"][f"{side}_probability"], abs=0.02)


def test_the_diagram_has_no_words_of_its_own():
    drawn = ET.parse(ASSETS / "transfer.svg").getroot()
    words = [text for element in drawn.iter() if (text := (element.text or "").strip())]
    assert len(words) == 12
    assert all(re.fullmatch(r"\$[a-z_]+", word) for word in words)
