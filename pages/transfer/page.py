"""When transfer learning helps: what the methods of *Teach it* are, and what each was worth."""

import streamlit as st

from pages.shared.frame import text_page
from pages.shared.sitemap import TRAINING, TRANSFER
from pages.shared.sources import sources
from pages.shared.words import _, lesson
from pages.transfer.chart import draw_transfer
from tl_core.lab import gettext_noop as N_

_PARTS = {
    "ways": N_("What are the methods?"),
    "challenge": N_("What did we measure?"),
    "rule": N_("Which method when?"),
}

text_page(TRANSFER)
draw_transfer()
for part, name in _PARTS.items():
    with st.expander(_(name)):
        st.markdown(lesson("transfer")[part])
st.page_link(TRAINING.path, label=_(TRAINING.title), icon=TRAINING.icon)
sources(TRANSFER)
