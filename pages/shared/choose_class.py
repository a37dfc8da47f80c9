"""Choosing a class of ImageNet, or of a visitor's own model."""

import streamlit as st

from pages.shared import link
from pages.shared.words import _, both_names

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


def choose_class(classes: tuple[str, ...], key: str, *, label: str = "", default: int = 0) -> int:
    """A class by typing its name; favourites come first in the list."""
    quick = [str(classes.index(name)) for name in favourites(classes)]
    names = list(dict.fromkeys([*quick, *map(str, range(len(classes)))]))
    usual = quick[default % len(quick)]
    with link.kept(key, usual, names, among=f"_of_{len(classes)}"):
        chosen = st.selectbox(
            label or _("Class"),
            names,
            format_func=lambda name: both_names(classes[int(name)]),
            key=key,
        )
    return int(chosen)


def are_imagenets(classes: tuple[str, ...]) -> bool:
    """Whether these are the classes that every pretrained network knows, not a visitor's own."""
    return len(classes) == 1000


def favourites(classes: tuple[str, ...], most: int = 5) -> list[str]:
    """The classes that are offered first, at most ``most`` of them."""
    return ([name for name in QUICK if name in classes] or list(classes))[:most]
