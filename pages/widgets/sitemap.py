"""The pages of the lab as rows: to add a page, add a row."""

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page: where it is, what it is called, what a visitor will do there."""

    path: str
    title: str
    icon: str
    invitation: str


HOME = PageRow("pages/home.py", "Home", ":material/home:", "")
PAGES = (
    PageRow(
        "pages/backbones.py",
        "Backbones",
        ":material/account_tree:",
        "Pick a trained network, show it a photograph, and see who is right: the big one or the "
        "fast one.",
    ),
)
_BY_PATH = {row.path: row for row in (HOME, *PAGES)}


def page(row: PageRow) -> st.Page:  # type: ignore[valid-type]
    """The row as Streamlit's page."""
    return st.Page(row.path, title=row.title, icon=row.icon, default=row is HOME)
