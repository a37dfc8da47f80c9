"""A click's work is done to its end."""

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.testing.v1 import AppTest

from pages.server.compat.callbacks import finish_callbacks


def page() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData

    from pages.shared.visit import script_context

    def begin_and_end() -> None:
        st.session_state.begun = True
        requests = script_context().script_requests
        assert requests
        requests.request_rerun(RerunData())  # as the next click does
        st.session_state.ended = True

    st.button("Do", on_click=begin_and_end)
    st.caption(f"{'begun' in st.session_state} {'ended' in st.session_state}")


def test_a_click_that_comes_at_once_does_not_cut_the_work_of_the_one_before(monkeypatch):
    name = "_maybe_handle_execution_control_request"
    monkeypatch.setattr(ScriptRunner, name, getattr(ScriptRunner, name))
    finish_callbacks()
    app = AppTest.from_function(page).run()
    app.button[0].click().run()
    assert not app.exception
    assert app.caption[0].value == "True True"
