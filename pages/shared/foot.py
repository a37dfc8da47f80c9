"""The line at the foot of every page: what the lab does, for whom, in which language."""

import streamlit as st

from pages import languages
from pages.shared import link
from pages.shared.device import device_words
from pages.shared.presenter import presenter_view
from pages.shared.uploaded_files import show_refused
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, show_error, use_language


def choose_current_language() -> None:
    """Take the link's language, or the visitor's choice, or else the browser's; before all else.

    A link counts until the page has taken it, also in a tab that goes on with an older visit.
    """
    state = st.session_state
    visit = state.get("visit")
    chosen = visit.choices.get("language") if visit is not None else None
    asked = state.get("linked", state.get("opened_with", st.query_params))
    wishes = [asked.get("language"), chosen, _browsers()]
    use_language(next(code for code in wishes if code in languages.codes()))


def foot() -> None:
    """Draw the line."""
    with st.bottom, st.container(horizontal=True, key="foot", vertical_alignment="center"):
        _heartbeat()
        presenter_view()
        _choose_language()


@st.fragment(run_every=10)
def _heartbeat() -> None:
    """Poll on every page, so that a run goes on while its owner looks elsewhere in the lab."""
    the_visit()
    show_refused()
    status = the_lab().status()
    if status.trouble is not None:
        show_error(status.trouble)
    words = _("{device} · {visitors} here · {running} running · {queued} waiting")
    with st.popover(_("Server"), icon=":material/dns:", type="tertiary", key="server"):
        st.caption(
            words.format(
                device=device_words(),
                visitors=status.visitors,
                running=status.running,
                queued=status.queued,
            )
        )


def _choose_language() -> None:
    codes = list(languages.codes())
    with link.kept("language", _browsers(), codes):
        st.segmented_control(
            _("Language"),
            codes,
            required=True,
            format_func=languages.own_name,
            key="language",
            label_visibility="collapsed",
            on_change=_take_language,
        )


def _take_language() -> None:
    """Note the choice before the page is drawn: its title comes before the switch.

    There is none where an older visit has just taken this one's place.
    """
    if "language" in st.session_state:
        the_visit().choices["language"] = st.session_state.language


def _browsers() -> str:
    return languages.preferred([st.context.locale or ""])
