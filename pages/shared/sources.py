"""Where a page's methods and figures come from: papers and data, at its foot."""

import streamlit as st

from pages.shared.sitemap import PageRow
from pages.shared.words import _, lesson


def sources(row: PageRow) -> None:
    """Draw the page's sources, small."""
    with st.container(key="sources", gap="xsmall"):
        words = _("Sources")
        st.markdown(f"**{words}**")
        st.markdown(lesson(row.topic)["sources"])
