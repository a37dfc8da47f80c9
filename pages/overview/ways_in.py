"""Three ways into the lab: five minutes with everything set, choosing a network, teaching."""

from dataclasses import dataclass

import streamlit as st

from pages.shared import link
from pages.shared.sitemap import ATTACK, BACKBONES, FEATURE_MAPS, IDEAL, PATH, TEACH, PageRow
from pages.shared.words import _
from tl_core.lab import gettext_noop as N_


@dataclass(frozen=True, slots=True)
class Stop:
    """One page of the five minutes, with what it is opened with."""

    row: PageRow
    words: str
    choices: dict[str, str]


FIVE_MINUTES = (
    Stop(BACKBONES, N_("Which network knows the cat?"), {"sample": "sample:cat"}),
    Stop(FEATURE_MAPS, N_("What does it look at, layer by layer?"), {"sample": "sample:cat"}),
    Stop(IDEAL, N_("Press Start: it draws its own cat."), {"goal": "class", "way": "one"}),
    Stop(
        ATTACK,
        N_("Press Start: the dog becomes a cat, and you see no change."),
        {"sample": "sample:dalmatian", "aim": "targeted"},
    ),
    Stop(TEACH, N_("Ten digits, learned while you watch."), {"dataset": "digits"}),
)


def ways_in() -> None:
    """Three buttons beside each other."""
    tour, choose, teach = st.columns(3)
    with tour:
        words, icon = _("Show me in five minutes"), ":material/timer:"
        with st.popover(words, icon=icon, type="primary", width="stretch", key="tour"):
            for number, stop in enumerate(FIVE_MINUTES, start=1):
                st.page_link(
                    stop.row.path,
                    label=f"**{number} · {_(stop.row.title)}**: {_(stop.words)}",
                    icon=stop.row.icon,
                    query_params={**stop.choices, "version": link.VERSION},
                )
        st.caption(_("Five pages, everything set."))
    with choose:
        _way(BACKBONES, _("Choose a network"), _("And show it a photograph of yours."))
    with teach:
        _way(TEACH, _("Teach your own"), _("Your cat, your dog, eight photographs."))


def path() -> None:
    """The way for who wants to be asked."""
    words = _("Or follow the path: six chapters, with a question before each")
    st.page_link(PATH.path, label=words, icon=PATH.icon)


def _way(row: PageRow, words: str, promise: str) -> None:
    key = f"way_{row.lesson}"
    if st.button(words, icon=row.icon, type="primary", width="stretch", key=key):
        st.switch_page(row.path)
    st.caption(promise)
