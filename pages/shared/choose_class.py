"""Choosing a class of ImageNet, or of a visitor's own model."""

import streamlit as st

from pages.shared import link
from pages.shared.words import _, plain

QUICK = (
    "Siamese cat",
    "golden retriever",
    "zebra",
    "pineapple",
    "volcano",
    "monarch",
    "goldfish",
    "tiger",
    "balloon",
    "castle",
    "ladybug",
    "daisy",
)


def choose_class(classes: tuple[str, ...], key: str, *, default: int = 0) -> int:
    """A class by typing its name, with favourites one click away."""
    quick = favourites(classes)
    names = [str(index) for index in range(len(classes))]
    usual = str(classes.index(quick[default % len(quick)]))
    link.restore(key, names, usual, among=f"_of_{len(classes)}")
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    chosen = left.selectbox(_("Class"), names, format_func=lambda name: classes[int(name)], key=key)
    with right.container(horizontal=True):
        for name in quick:
            st.button(
                plain(name),
                key=f"{key}_{name}",
                on_click=_take,
                args=(key, str(classes.index(name))),
            )
    link.save(key)
    return int(chosen)


def are_imagenets(classes: tuple[str, ...]) -> bool:
    """Whether these are the classes that every pretrained network knows, not a visitor's own."""
    return len(classes) == 1000


def favourites(classes: tuple[str, ...], most: int = 5) -> list[str]:
    """The classes that are offered first, at most ``most`` of them."""
    return ([name for name in QUICK if name in classes] or list(classes))[:most]


def _take(key: str, value: str) -> None:
    st.session_state[key] = value
