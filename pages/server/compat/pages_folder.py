"""The folder of the pages is no folder of pages."""

from streamlit.runtime.pages_manager import PagesManager

from pages.server.compat import require


def leave_pages_to_navigation() -> None:
    """Have Streamlit look for no pages of its own; called once, at the server's start.

    Where the app has a folder ``pages``, a server that has just started takes the files in it for
    the only pages there are, until ``st.navigation`` has run once: whoever opens another address
    first reads "Page not found".

    Relied on: ``PagesManager.uses_pages_directory``.
    """
    require(PagesManager, "uses_pages_directory")
    PagesManager.uses_pages_directory = False
