"""Where a page's methods and figures come from: papers and data, at its foot."""

import streamlit as st

from pages.shared.sitemap import PageRow
from pages.shared.words import _, lesson


def sources(row: PageRow) -> None:
    """Draw the page's sources, small and folded."""
    with st.container(key="sources"), st.expander(_("Sources"), icon=":material/menu_book:"):
        st.markdown(lesson(row.topic)["sources"])
