"""A working page's first view: a narrow rail of controls, the picture, and what is said of it."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_RAIL = 28  # of the width, beside the shares below


def stage(*, picture: int = 45, side: int = 40) -> tuple[DeltaGenerator, ...]:
    """Places for the controls, the main picture and the figures beside it.

    ``picture`` and ``side`` are their shares of the width; without ``side`` the figures come below
    the picture. On a phone the picture comes first, then the rail.
    """
    with st.container(key="stage"):
        rail, middle, *right = st.columns([_RAIL, picture, *([side] if side else [])], gap="medium")
    main_picture = middle.container(key="main_picture")
    return rail.container(key="rail"), main_picture, right[0] if right else middle
