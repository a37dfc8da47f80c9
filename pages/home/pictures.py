"""Four pictures that the lab has made, with the figures measured when they were made."""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.languages import ASSETS
from pages.shared.charts import theme
from pages.shared.measured_examples import FOLDER, measured_examples
from pages.shared.sitemap import ATTACK, FEATURE_MAPS, IDEAL, TRAINING, PageRow
from pages.shared.words import _, class_name, percent


def pictures() -> None:
    """Each with its figures in words and a link to its page, in the order of the pages."""
    found = measured_examples()
    channel, training, ideal, fooled = st.columns([1, 2, 1, 2])
    with channel:
        words = _(
            "Where one feature map of the network {backbone} is active: channel {channel} of "
            "{channels} in layer {layer}."
        )
        short = _("Where one channel is active")
        _picture(FEATURE_MAPS, FOLDER / "channel.webp", words.format(**found["channel"]), short)
    with training:
        words = _(
            "{backbone} learns to tell cats from dogs with {photographs} photographs. Pretrained, "
            "it gets {with_it} of {tested_on} others right; from scratch, {without} (one run "
            "each)."
        )
        short = _("Pretrained {with_it} right, from scratch {without}")
        figures = found["training"] | {
            "with_it": percent(found["training"]["pretrained"][-1]),
            "without": percent(found["training"]["scratch"][-1]),
        }
        file = FOLDER / f"training_{theme()}.svg"
        _picture(TRAINING, file, words.format(**figures), short.format(**figures))
    with ideal:
        words = _(
            "Drawn from noise by {backbone}: {class}, {probability}. {judge}, from the same "
            "family, says {judge_class}, {judge_probability}."
        )
        short = _("{class}, drawn from noise")
        figures = _with_classes(found["ideal"], "class", "judge_class")
        file = ASSETS / "examples" / "siamese_cat.webp"
        _picture(IDEAL, file, words.format(**figures), short.format(**figures))
    with fooled:
        words = _(
            "On the left, {backbone} sees {before} ({before_probability}); on the right, {after} "
            "({after_probability}). No value differs by more than {levels} of 255."
        )
        short = _("On the left: {before}. On the right: what the network now calls {after}.")
        figures = _with_classes(found["fooled"], "before", "after")
        _picture(ATTACK, FOLDER / "fooled.webp", words.format(**figures), short.format(**figures))


def _with_classes(figures: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The same with some of them as the visitor's language calls these classes, and per cents."""
    shares = {key: percent(value) for key, value in figures.items() if key.endswith("probability")}
    return figures | shares | {key: class_name(figures[key]) for key in keys}


def _picture(row: PageRow, file: Path, words: str, short: str) -> None:
    """The figures in full are the picture's description, and stand at the link's mark."""
    st.image(str(file), width="stretch", alt=words)
    st.page_link(row.path, label=f"**{_(row.title)}**", icon=row.icon, help=words)
    st.caption(short)
