"""The fault of Streamlit that pages/server/compat/pages_folder.py mends is still there."""

import pytest
from playwright.sync_api import expect

from tests.app_process import app_process

pytestmark = pytest.mark.browser

_SCRIPT = """
import streamlit as st

def first(): ...

def second():
    st.header("Here I am")

st.navigation([st.Page(first), st.Page(second)]).run()
"""


def test_beside_a_folder_of_pages_the_first_address_of_a_new_server_is_not_found(page, tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "part.py").write_text("")
    (tmp_path / "streamlit_app.py").write_text(_SCRIPT)
    with app_process(tmp_path, root=tmp_path) as app:
        page.goto(f"{app.url}/second")
        expect(page.get_by_role("dialog")).to_contain_text("Page not found", timeout=90_000)
        page.goto(f"{app.url}/second")  # now st.navigation has run once
        expect(page.get_by_role("heading", name="Here I am")).to_be_visible(timeout=90_000)
