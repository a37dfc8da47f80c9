"""What documents and lessons say: figures as measured, and the same in both languages."""

import re
from collections import Counter
from importlib import import_module
from inspect import getsource
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pages.languages import ASSETS
from pages.shared import chapters, sitemap
from tests.unit.backbones import test_catalogue
from tl_core.backbones import catalogue as backbones
from tl_core.datasets import catalogue as datasets
from tl_core.datasets import packaged
from tl_core.specs import attack_methods as methods

ROOT = ASSETS.parent
MEASURED = [
    line
    for name in ("measured.md", "operations.md")
    for line in (ROOT / "docs" / name).read_text(encoding="utf-8").splitlines()
]
LESSONS = ROOT / "assets/lesson"
PAIRS = [("README.md", "README.ja.md"), ("docs/teaching.md", "docs/ja/teaching.md")]
# by text, in each language: a figure, and how its line in docs/measured.md or operations.md begins
QUOTED = {
    "lesson/transfer.md": {
        "99.3 %": "| cats and dogs, 300 photographs per class, 300 tested: new head",
        "99.0 %": "| cats and dogs, 300 photographs per class, 300 tested: last block",
        "96.7 %": "| cats and dogs, 20 |",
        "86.3 %": "| cats and dogs, 1 |",
        "52.0 %": "| cats and dogs, 100 |",
        "85.0 %": "| digits, 20 |",
        "90.2 %": "| digits, 20 |",
        "95.7 %": "| digits, 20 |",
        "82.8 %": "| digits, 20 |",
        "94.3 %": "| digits, 20 |",
        "97.3 %": "| cats and dogs, 20 |",
        "51.0 %": "| cats and dogs, 20 |",
        "49.7 %": "| cats and dogs, 20 |",
        "94.4 %": "| digits, 100 |",
        "93.3 %": "| digits, 100 |",
        "91 %": "| digits, new head from 100 a class",
        "97 %": "| the same, raw pixels |",
        "98.9 %": "| digits, 1,257 learned, 536 tested: from scratch",
        "96.6 %": "| digits, 1,257 learned, 536 tested: all layers",
        "60.0 %": "| digits, 1 |",
    },
    "lesson/tricks.md": {
        "92.9 %": "| head | 92.9",
        "22.9 %": "| head | 92.9",
        "11.6 %": "| head | 92.9",
        "92.7 %": "| all layers | 92.7",
        "17.9 %": "| all layers | 92.7",
        "5.5 %": "| all layers | 92.7",
        "92.5 %": "| head first, then all layers",
        "22.5 %": "| head first, then all layers",
        "11.5 %": "| head first, then all layers",
        "93.5 %": "| 4 | 93.5 % |",
        "63.0 %": "| 4 | 93.5 % |",
        "30.5": "| 4 | 93.5 % |",
        "91.2 %": "| 8 | 91.2 % |",
        "72.8 %": "| 8 | 91.2 % |",
        "18.5": "| 8 | 91.2 % |",
        "89.5 %": "| 16 | 89.5 % |",
        "79.4 %": "| 16 | 89.5 % |",
        "10.1": "| 16 | 89.5 % |",
        "90.6 %": "| 50 | 90.6 % |",
        "87.0 %": "| 50 | 90.6 % |",
        "3.6": "| 50 | 90.6 % |",
        "4.7": "| head first less all layers",
        "6.0": "| head first less all layers",
    },
    "lesson/training.md": {
        "97 %": "- *Why?* of 30 digits",
        "84 %": "- *Why?* of 30 digits",
        "89 %": "- *Why?* of 30 digits",
        "35 %": "- *Why?* of 30 digits",
        "53 %": "- *Why?* of 30 digits",
    },
    "lesson/ideal.md": {
        "0.004": "| simpler recipe: pixels, 256 steps",
        "0.003": "| with total variation, 256 steps",
        "0.729": "| with random crops and turns, 256 steps",
        "0.904": "| with waves and natural colours, 256 steps",
        "0.980": "| 50 classes, 256 steps, in one run: ours",
    },
    "lesson/attack.md": {"100": "| within one level, 60 steps, 100 photographs: seen as a Siamese"},
    "README": {
        "1,629 MB": "| memory of the process at most, 80 errands",
        "32": "| 32 |",
    },
    "teaching": {
        "1.2": "| 32 | 45.3",
        "1.5": "| 32 | 45.3",
        "3.1": "| 32 | 45.3",
        "0.8": "| 32 on three pages",
        "0.2": "| 32 | 45.3",
        "212 kB": "| sent for a page's first view",
        "960 kB": "| the same, *Feature maps*",
        "7.7": "| `tl_core ideal`, 96 steps, alone",
        "12.4": "| the same beside two busy processes | 12.4",
    },
}
# shares that were not measured: what a setting is, or what a question supposes
SUPPOSED = {"5 %", "20 %", "95 %", "99 %", "100 %", "150 %"}
PUBLISHED = {"6 %"}  # of ImageNet's labels: its paper is beside it
_SHARE = re.compile(r"\d[\d,]*(?:\.\d+)? %")
_FIGURE = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?", re.ASCII)
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def texts(name: str) -> list[Path]:
    """The files of a text, one for each language."""
    if name == "README":
        return [ROOT / "README.md", ROOT / "README.ja.md"]
    if name == "teaching":
        return [ROOT / "docs/teaching.md", ROOT / "docs/ja/teaching.md"]
    return sorted(LESSONS.glob(f"*/{name.removeprefix('lesson/')}"))


def said(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "figure", "line"),
    [(name, figure, line) for name, rows in QUOTED.items() for figure, line in rows.items()],
)
def test_a_figure_in_a_text_is_the_one_in_its_line_of_measured(name, figure, line):
    lines = [row for row in MEASURED if row.startswith(line)]
    assert lines, f"no line of docs/measured.md or operations.md begins with {line}"
    assert any(figure in row for row in lines)
    for path in texts(name):
        assert figure in said(path), path


@pytest.mark.parametrize("path", sorted(LESSONS.glob("*/*.md")), ids=lambda path: str(path)[-20:])
def test_every_share_in_a_lesson_names_its_line(path):
    named = QUOTED.get(f"lesson/{path.name}", {})
    assert set(_SHARE.findall(said(path))) <= SUPPOSED | PUBLISHED | set(named)


@pytest.mark.parametrize(("english", "japanese"), PAIRS)
def test_both_languages_have_the_same_commands(english, japanese):
    ours, theirs = (
        [
            line.split("  #")[0].rstrip()
            for block in _CONSOLE.findall(said(ROOT / name))
            for line in block.splitlines()
        ]
        for name in (english, japanese)
    )
    assert ours == theirs


@pytest.mark.parametrize(("english", "japanese"), PAIRS)
def test_both_languages_have_the_same_links_and_names_of_code(english, japanese):
    def targets(name: str) -> set[str]:
        base = (ROOT / name).parent
        found = [link for link in _LINK.findall(said(ROOT / name)) if not link.startswith("#")]
        return {
            link if "://" in link else str((base / link).resolve()).replace("/ja/", "/")
            for link in found
            if not link.endswith((english.split("/")[-1], japanese.split("/")[-1]))
        }

    assert targets(english) == targets(japanese)
    ours, theirs = (
        Counter(code for code in _CODE.findall(said(ROOT / name))) for name in (english, japanese)
    )
    assert ours == theirs


@pytest.mark.parametrize(("english", "japanese"), PAIRS)
def test_both_languages_have_the_same_figures(english, japanese):
    # written as words in one of them: "one", "ten minutes", and what a sentence repeats
    ours, theirs = (
        set(_FIGURE.findall(_LINK.sub("", said(ROOT / n)))) for n in (english, japanese)
    )
    large = {figure for figure in ours | theirs if len(figure) > 2}
    assert ours & large == theirs & large


@pytest.mark.parametrize("name", [name for pair in PAIRS for name in pair])
def test_every_link_to_a_file_finds_it(name):
    base = (ROOT / name).parent
    for link in _LINK.findall(said(ROOT / name)):
        if "://" not in link and not link.startswith("#"):
            assert (base / link.split("#")[0]).exists(), link


def test_the_examples_of_how_to_extend_the_lab_work_where_they_are_pasted():
    blocks = [dedent(block) for block in _PYTHON.findall(said(ROOT / "docs/extending.md"))]
    names: dict[str, Any] = {}
    extended = backbones, packaged, datasets, methods, sitemap, chapters  # by the first blocks
    for module, block in zip(extended, blocks, strict=False):
        names["__name__"] = module.__name__
        text, row = getsource(module), f"    {block.split('(')[0]}("
        before, table, after = text.partition(f" = (\n{row}")  # else to the file's end
        exec(f"{before} = ({block}{row}{after}" if table else text + block, names)
    backbone, data = names["CATALOGUE"][0], names["DATASETS"][0]
    test_catalogue.test_every_stage_and_the_head_exist_in_the_built_network(backbone)
    test_catalogue.test_a_row_agrees_with_what_torchvision_publishes(backbone)
    assert len(data.source().photos) == data.photographs
    attack, chapter = next(iter(names["ATTACK_METHODS"])), names["CHAPTERS"][0].key
    assert [backbone.key, data.key, attack, chapter] == ["resnet34", "textures", "adam", "unsure"]
    compile("".join(blocks), "extending.md", "exec")
    for path, name in re.findall(r"^from (\S+) import (\w+)", "".join(blocks), re.MULTILINE):
        assert name in names or hasattr(import_module(path), name)


LIMIT = re.compile(r"^\| (.+) \| `([\w/]+)\.py` `([\w.]+)` \| ([\d,]+) \|$", re.M)
LIMITS = LIMIT.findall((ROOT / "SECURITY.md").read_text())


@pytest.mark.parametrize(("what", "file", "name", "figure"), LIMITS)
def test_what_strangers_can_make_grow_ends_where_security_says(what, file, name, figure):
    module = import_module(file.replace("/", "."))
    owner, _, field = name.rpartition(".")
    found = (
        getattr(module, owner).__dataclass_fields__[field].default if owner else vars(module)[name]
    )
    assert found == int(figure.replace(",", ""))


def test_every_row_of_that_table_is_read():
    table = (ROOT / "SECURITY.md").read_text().partition("| what | counted in | limit |")[2]
    assert len(LIMITS) == table.partition("\n\n")[0].count("\n| ")
