"""What the lesson's texts quote is what the benchmarks have written."""

import json
import re
from pathlib import Path

import pytest

from pages.languages import lesson_file

BENCH = Path(__file__).parents[1] / "bench"
# Of each section of a text: the file of figures, and those that it quotes as whole per cents
QUOTES = {
    ("training", "shortcut"): (
        BENCH / "shortcut.json",
        ("why, gradcam, before", "why, gradcam, marked", "why, gradcam, random"),
    ),
}


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(("topic", "section"), QUOTES)
def test_a_text_quotes_what_was_measured_and_no_other_share(topic, section, language):
    file, names = QUOTES[topic, section]
    figures = json.loads(file.read_text())
    text = lesson_file(language, f"{topic}.md").read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    quoted = re.findall(r"([\d.]+)\s%", part)
    assert quoted == [f"{100 * figures[name][0]:.0f}" for name in names]
