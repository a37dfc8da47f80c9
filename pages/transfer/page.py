"""When transfer learning helps: what the methods of *Teach it* are, and what each was worth."""

import streamlit as st

from pages.shared.frame import begin, title
from pages.shared.sitemap import TRAINING, TRANSFER
from pages.shared.sources import sources
from pages.shared.words import _, lesson
from pages.transfer.chart import draw_transfer

_TEXT = 820  # pixels: lines that one still reads easily

begin(TRANSFER)
with st.container(key="path_title"):
    title(TRANSFER)
with st.container(width=_TEXT):
    for part in ("", "ways", "challenge"):
        st.markdown(lesson("transfer")[part])
draw_transfer()
st.page_link(TRAINING.path, label=_(TRAINING.title), icon=TRAINING.icon)
sources(TRANSFER)
