"""From VGG to today: what came after the networks of this lab, as one page of text."""

import streamlit as st

from pages.history.timeline import timeline
from pages.shared.frame import text_page
from pages.shared.sitemap import BACKBONES, HISTORY
from pages.shared.sources import sources
from pages.shared.words import _, lesson

_TEXT = 820  # pixels: lines that one still reads easily

text_page(HISTORY)
with st.container(width=_TEXT):
    timeline()
    for part in lesson("history")["story"].split("### ")[1:]:
        name, _newline, text = part.partition("\n")
        with st.expander(f"**{name}**"):
            st.markdown(text)
    st.page_link(BACKBONES.path, label=_(BACKBONES.title), icon=BACKBONES.icon)
    sources(HISTORY)
