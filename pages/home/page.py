"""The Home page: what the lab can do, three ways in, and a link to every page."""

import streamlit as st

from pages.home.diagram import diagram
from pages.home.pictures import pictures
from pages.home.ways_in import path, ways_in
from pages.shared.frame import begin, title
from pages.shared.grid import grid
from pages.shared.sitemap import HOME, PAGES, PageRow
from pages.shared.sources import sources
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson


def card(row: PageRow) -> None:
    """One page as a card with what a visitor will do there."""
    with st.container(border=True, height="stretch"):
        st.page_link(row.path, label=f"**{_(row.title)}**", icon=row.icon)
        st.markdown(_(row.invitation))


begin(HOME)
with st.container(key="home"):
    title(HOME, _("Transfer Learning Lab"))
    st.markdown(lesson("home")[""])
    with st.container(key="ways_in"):
        ways_in()
    with st.container(key="home_pictures"):
        pictures()
    path()
with st.expander(_("What you can do here"), icon=":material/apps:"):
    grid(PAGES, card)
with st.expander(_("What is transfer learning?"), icon=":material/school:"):
    words, picture = st.columns([1, 1], gap="large", vertical_alignment="center")
    words.markdown(lesson("home")["what it is"])
    with picture:
        diagram()
sources(HOME)
settings = the_lab().settings
with st.expander(_("Where do my photographs go?"), icon=":material/lock:"):
    st.markdown(
        _(
            "Your photographs, runs and models stay in the server's memory and belong to this "
            "browser tab. If you reload the page or lose the connection, you can carry on where "
            "you left off. If the page stays closed or offline, runs pause after {pause:.3g} "
            "minutes, and everything is deleted after {forget:.3g}."
        ).format(
            pause=settings.visit_timeout_s / 60,
            forget=max(settings.visit_timeout_s, settings.visit_resume_s) / 60,
        )
    )
