"""Three ways into the lab: five minutes with everything set, choosing a network, teaching."""

import streamlit as st

from pages.shared import link, tour
from pages.shared.query import go_to
from pages.shared.sitemap import BACKBONES, PATH, TRAINING, PageRow
from pages.shared.words import _
from tl_core.specs.datasets import OWN_DATASET


def ways_in() -> None:
    """A loud button and two quiet ones, beside each other."""
    five_minutes, choose, teach = st.columns(3)
    with five_minutes:
        words, icon = _("Show me in five minutes"), ":material/timer:"
        if st.button(words, icon=icon, type="primary", width="stretch", key="way_tour"):
            tour.begin()
        st.caption(_("Five pages, all set up."))
    with choose:
        _way(BACKBONES, _("Choose a network"), _("And show it your own photograph."))
    with teach:
        _way(TRAINING, _("Teach your own"), _("Your cat, your dog, eight photographs."))


def path() -> None:
    """The way for who wants to be asked."""
    words = _("Or follow the path: six chapters, each starting with a question")
    st.page_link(PATH.path, label=words, icon=PATH.icon)


def _way(row: PageRow, words: str, promise: str) -> None:
    key = f"way_{row.address}"
    if st.button(words, icon=row.icon, width="stretch", key=key):
        if row is TRAINING:  # whatever a tour or a link has left there
            link.set_choice("dataset", OWN_DATASET)
        go_to(row.path)
    st.caption(promise)
