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
            "Where one of the feature maps of a network, {backbone}, is active: channel {channel} "
            "of {channels} in layer {layer}."
        )
        _picture(FEATURE_MAPS, FOLDER / "channel.webp", words.format(**found["channel"]))
    with training:
        words = _(
            "{backbone} learns cats and dogs from {photographs} photographs. Of {tested_on} others "
            "it gets {with_it} right if it is pretrained, {without} from scratch (one training "
            "each)."
        ).format(
            **found["training"],
            with_it=percent(found["training"]["pretrained"][-1]),
            without=percent(found["training"]["scratch"][-1]),
        )
        _picture(TRAINING, FOLDER / f"training_{theme()}.svg", words)
    with ideal:
        words = _(
            "Drawn from noise by {backbone}: {class}, {probability}. {judge}, of the "
            "same family, says {judge_class}, {judge_probability}."
        ).format(**_with_classes(found["ideal"], "class", "judge_class"))
        _picture(IDEAL, ASSETS / "examples" / "siamese_cat.webp", words)
    with fooled:
        words = _(
            "{backbone} sees {before}, {before_probability}, on the left, and {after}, "
            "{after_probability}, on the right. No value differs by more than {levels} of 255."
        ).format(**_with_classes(found["fooled"], "before", "after"))
        _picture(ATTACK, FOLDER / "fooled.webp", words)


def _with_classes(figures: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The same with some of them as the visitor's language calls these classes, and per cents."""
    shares = {key: percent(value) for key, value in figures.items() if key.endswith("probability")}
    return figures | shares | {key: class_name(figures[key]) for key in keys}


def _picture(row: PageRow, file: Path, words: str) -> None:
    st.image(str(file), width="stretch", alt=words)
    st.page_link(row.path, label=f"**{_(row.title)}**", icon=row.icon)
    st.caption(words)
