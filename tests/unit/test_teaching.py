"""What teachers are given: figures as measured, worksheets alike in both languages."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.unit.test_documents import said
from tl_core.training.metrics import wilson

DOCS = Path(__file__).parents[2] / "docs"
FOLDERS = (DOCS / "worksheet", DOCS / "ja/worksheet")
SHEETS = ("level-1.html", "level-2.html", "key.html")
KEYS = [folder / "key.html" for folder in FOLDERS]
PARTS = {  # of a text for teachers: what to expect in class
    DOCS / "teaching.md": ("## Part by part", "## What it covers"),
    DOCS / "ja/teaching.md": ("## 活動ごとに", "## 学習内容との対応"),
}
SUPPOSED = {"95", "99"}  # what an interval is called, what a question supposes
_SHARES = re.compile(r"(\d[\d.]*)(?:(?: to |～| and |と)(\d[\d.]*))? %")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Shape(HTMLParser):
    """The tags of a page with their classes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("em", "strong"):
            self.tags.append((tag, dict(attrs).get("class")))


def between(text: str, first: str, last: str) -> str:
    return text.split(first)[1].split(last)[0]


def shares(text: str) -> set[str]:
    """The numbers of all shares and their ranges."""
    return {number for pair in _SHARES.findall(text) for number in pair if number}


@pytest.fixture(scope="module")
def expected():
    """Every number of the table that a teacher is told to expect."""
    table = between(said(DOCS / "measured.md"), "## What a class sees", "\n## ")
    return set(_NUMBER.findall(table))


@pytest.mark.parametrize("path", [*PARTS, *KEYS], ids=lambda path: str(path.relative_to(DOCS)))
def test_a_share_that_a_teacher_is_told_to_expect_was_measured(path, expected):
    text = said(path)
    if path in PARTS:
        text = between(text, *PARTS[path])
    intervals = {f"{100 * end:.0f}" for at in ((9, 10), (170, 200)) for end in wilson(*at)}
    assert shares(text) - SUPPOSED - intervals <= expected


@pytest.mark.parametrize("name", SHEETS)
def test_a_worksheet_has_the_same_questions_and_lines_in_both_languages(name):
    english, japanese = (Shape(said(folder / name)).tags for folder in FOLDERS)
    assert english == japanese


def test_a_worksheet_needs_nothing_but_its_style_sheet():
    for folder in FOLDERS:
        for name in SHEETS:
            (style,) = re.findall(r'(?:href|src)="([^"]+)"', said(folder / name))
            assert (folder / style).exists()
