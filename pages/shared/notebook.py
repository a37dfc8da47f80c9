"""Download as notebook: a page's question in three lines of the library, and in plain PyTorch."""

import base64
import re

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from pages.shared.sitemap import PageRow
from pages.shared.words import _, lesson
from tl_core.images.samples import PREFIX, sample
from tl_core.programs.calls import call_of
from tl_core.specs.base import Spec

_TERM = re.compile(r"\[([^]]+)\]\(#[^)]*\)")  # a link into the glossary, which a notebook has not
_SAMPLE = """from importlib.util import find_spec
from pathlib import Path

photo = Path(find_spec("{package}").origin).parent / "{path}\""""
_OWN = """from base64 import b64decode
from pathlib import Path

photo = Path("photo.jpg")
photo.write_bytes(b64decode("{data}"))"""
_LIBRARY = """import tl_core.library as tl

net = tl.load("{backbone}")
found = {call}
print(found)
found"""


def page_words(page: PageRow) -> tuple[str, ...]:
    """The text cells, in the visitor's language: the lesson's first words, what the code does."""
    first = f"# {_(page.title)}\n\n{lesson(page.topic)['']}"
    return (
        _TERM.sub(r"\1", first),
        "## " + _("The photograph"),
        "## " + _("In three lines, with the lab's library"),
        "## " + _("The same in plain PyTorch"),
    )


def notebook(words: tuple[str, ...], spec: Spec, code: str, photo: str, data: bytes) -> str:
    """A notebook, as its file has it, that asks what ``spec`` asks.

    ``words`` are the text cells, ``code`` the page's program; ``data`` is the file of a photograph
    of somebody's own, which the notebook then holds.
    """
    about, of_photo, of_library, of_code = words
    cells = [new_markdown_cell(about)]
    if photo:
        row = sample(photo) if photo.startswith(PREFIX) else None
        lines = _OWN.format(data=base64.b64encode(data).decode())
        if row is not None:
            lines = _SAMPLE.format(package=row.package, path=row.path)
        cells += [new_markdown_cell(of_photo), new_code_cell(lines)]
    call = _LIBRARY.format(backbone=spec.backbone, call=call_of(spec))
    cells += [new_markdown_cell(of_library), new_code_cell(call)]
    cells += [new_markdown_cell(of_code), new_code_cell(code.strip())]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # else at random
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return str(nbformat.writes(new_notebook(cells=cells, metadata={"kernelspec": kernel})))
