"""A click's work is done to its end."""

from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
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


def a_page_that_is_broken_off() -> None:
    import streamlit as st

    from pages.shared import runs
    from pages.shared.visit import the_visit
    from pages.visit.state import Run

    def begin() -> bool:
        st.session_state.begun = st.session_state.get("begun", 0) + 1
        the_visit().runs["a run"] = Run()
        return True

    if the_visit().wanted and "broken_off" not in st.session_state:
        st.session_state.broken_off = True
        st.rerun()  # as a newer request does, before Start is drawn
    runs.start_or_stop("a run", begin)
    st.caption(str(st.session_state.get("begun", 0)))


def test_a_press_on_start_counts_once_also_where_its_run_of_the_page_is_broken_off(
    app_lab, monkeypatch
):
    monkeypatch.setattr("pages.shared.visit.Lab", lambda: app_lab)
    app = AppTest.from_function(a_page_that_is_broken_off, default_timeout=30).run()
    app.button(key="start").click().run()
    assert not app.exception
    assert "broken_off" in app.session_state
    assert app.caption[0].value == "1"
    app.run()
    assert app.caption[0].value == "1"


def a_page_whose_run_ends_at_once(pressed: list) -> None:
    from types import SimpleNamespace
    from typing import Any

    import streamlit as st

    from pages.shared import runs
    from pages.shared.visit import script_context, the_visit
    from pages.visit.state import Run

    def begin() -> bool:
        st.session_state.begun = st.session_state.get("begun", 0) + 1
        job: Any = SimpleNamespace(is_over=False, state=None)
        the_visit().runs["a run"] = Run([("", job)])
        requests = script_context().script_requests
        assert requests
        press = next(one for one in pressed if one.widget_states and one.widget_states.widgets)
        requests.request_rerun(press)  # once more
        return True

    jobs: Any = the_visit().runs.get("a run", Run()).jobs
    for _label, job in jobs:
        job.is_over = True  # after the press, and before Start is drawn
    runs.start_or_stop("a run", begin)
    st.caption(str(st.session_state.get("begun", 0)))


def test_a_second_press_on_start_while_its_run_is_under_way_begins_no_other(app_lab, monkeypatch):
    monkeypatch.setattr("pages.shared.visit.Lab", lambda: app_lab)
    pressed: list[RerunData] = []
    request = ScriptRequests.request_rerun

    def request_and_keep(requests: ScriptRequests, new: RerunData) -> bool:
        pressed.append(new)
        return request(requests, new)

    monkeypatch.setattr(ScriptRequests, "request_rerun", request_and_keep)
    page = AppTest.from_function(a_page_whose_run_ends_at_once, args=(pressed,), default_timeout=30)
    app = page.run()
    app.button(key="start").click().run()
    assert not app.exception
    assert app.button(key="start")
    assert app.caption[0].value == "1"
