"""A control, and in a fragment a button that sets it while a timer's message is under way."""

import time

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from pages.server.compat.timers import let_timers_change_nothing
from pages.shared.visit import script_context

PATIENCE_S = 2.0  # for the timer's message

st.cache_resource(let_timers_change_nothing)()


def choose() -> None:
    st.session_state.letter = "b"
    requests = script_context().script_requests
    until = time.monotonic() + PATIENCE_S
    while requests and requests._state is not ScriptRequestType.RERUN:
        if time.monotonic() > until:  # this click met no message of the timer; the next one will
            st.session_state.letter = "a"
            return
        time.sleep(0.01)
    st.rerun()


@st.fragment
def button() -> None:
    st.button("Set b", on_click=choose)


@st.fragment(run_every=0.1)
def timer() -> None:
    st.caption("It polls.")


chosen = st.selectbox("Letter", ["a", "b"], key="letter")
st.header(f"It is {chosen}")
button()
timer()
