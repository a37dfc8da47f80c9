"""Choosing a class of ImageNet, or of a visitor's own model."""

import streamlit as st

from pages.shared import link
from pages.shared.words import _, both_names, plain_class

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


def choose_class(
    classes: tuple[str, ...], key: str, *, default: int = 0, has_quick: bool = True
) -> int:
    """A class by typing its name, with favourites one click away."""
    quick = favourites(classes)
    names = [str(index) for index in range(len(classes))]
    usual = str(classes.index(quick[default % len(quick)]))
    with link.kept(key, usual, names, among=f"_of_{len(classes)}"):
        chosen = st.selectbox(
            _("Class"), names, format_func=lambda name: both_names(classes[int(name)]), key=key
        )
        if has_quick:
            with st.container(horizontal=True, gap="xsmall", key=f"quick_{key}"):
                for name in quick:
                    st.button(
                        plain_class(name),
                        key=f"{key}_{name}",
                        on_click=_take,
                        args=(key, str(classes.index(name))),
                    )
    return int(chosen)


def are_imagenets(classes: tuple[str, ...]) -> bool:
    """Whether these are the classes that every pretrained network knows, not a visitor's own."""
    return len(classes) == 1000


def favourites(classes: tuple[str, ...], most: int = 5) -> list[str]:
    """The classes that are offered first, at most ``most`` of them."""
    return ([name for name in QUICK if name in classes] or list(classes))[:most]


def _take(key: str, value: str) -> None:
    st.session_state[key] = value
