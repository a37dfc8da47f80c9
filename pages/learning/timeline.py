"""The networks from 2014 on as a drawing: those of the lab, and what came since."""

from functools import cache
from html import escape
from string import Template

import streamlit as st

from pages.languages import ASSETS
from pages.shared.words import _
from tl_core.lab import gettext_noop as N_

_NAMES = (
    ("VGG", N_("deep and plain"), 2014),
    ("ResNet", N_("shortcuts"), 2015),
    ("MobileNet", N_("split convolutions"), 2017),
    ("EfficientNet", N_("balanced growth"), 2019),
    ("Vision Transformer", N_("attention"), 2020),
    ("SimCLR, DINO, MAE", N_("no labels"), 2021),
    ("CLIP", N_("words and pictures"), 2021),
    ("LoRA", N_("small additions"), 2021),
)
_HERE = 4  # of them are in the lab


def timeline() -> None:
    """Eight stations on a line; the lab has the first four."""
    words = {f"name{i}": name for i, (name, _idea, _year) in enumerate(_NAMES)}
    words |= {f"idea{i}": _(idea) for i, (_name, idea, _year) in enumerate(_NAMES)}
    words |= {f"year{i}": str(year) for i, (_name, _idea, year) in enumerate(_NAMES)}
    words |= {"here": _("in this lab"), "since": _("not in this lab")}
    words["whole"] = "; ".join(f"{year} {name}: {_(idea)}" for name, idea, year in _NAMES)
    drawn = _drawing().substitute({key: escape(text) for key, text in words.items()})
    st.image(drawn, width="stretch", alt=words["whole"])


@cache
def _drawing() -> Template:
    return Template((ASSETS / "timeline.svg").read_text(encoding="utf-8"))
