"""A control, and in a fragment a button that sets it while a timer's message is under way."""

import time

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

from pages.shared import link
from pages.shared.visit import script_context
from pages.visit.state import Visit

PATIENCE_S = 2.0  # for the timer's message

st.session_state.setdefault("visit", Visit())
vars(link)["the_visit"] = lambda: st.session_state.visit  # without a lab


def choose() -> None:
    link.set_choice("letter", "b")
    requests = script_context().script_requests
    until = time.monotonic() + PATIENCE_S
    while requests and requests._state is not ScriptRequestType.RERUN:
        if time.monotonic() > until:  # this click met no message of the timer; the next one will
            link.set_choice("letter", "a")
            return
        time.sleep(0.01)
    st.rerun()


@st.fragment
def button() -> None:
    st.button("Set b", on_click=choose)


@st.fragment(run_every=0.1)
def timer() -> None:
    st.caption("It polls.")


with link.kept("letter", "a", ["a", "b"]):
    chosen = st.selectbox("Letter", ["a", "b"], key="letter")
st.header(f"It is {chosen}")
button()
timer()
