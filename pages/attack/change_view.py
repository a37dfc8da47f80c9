"""What an attack has added: the difference, and the answers before and after."""

import streamlit as st

from pages.shared.charts import BARS_LAYOUT, GREY, bars, draw, palette
from pages.shared.choose_one import choose_one
from pages.shared.picture import live_picture
from pages.shared.visit import the_lab
from pages.shared.words import _, class_name
from tl_core.images import compare
from tl_core.images.decode import decode
from tl_core.images.photo import to_array
from tl_core.lab import gettext_noop as N_
from tl_core.specs.attack import AttackSnapshot

MAGNIFY = {1: N_("×1"), 4: N_("×4"), 16: N_("×16"), 64: N_("×64"), 0: N_("sign (+ or −)")}

_SHOWN = 3  # answers of each picture


def draw_change(found: AttackSnapshot, *, key: str) -> None:
    """Compare the photograph and the attacked picture by value and by answer."""
    with st.container(key="change"):
        difference, answers = st.columns(2, gap="medium")
    with difference:
        st.markdown("**" + _("The perturbation, magnified") + "**")
        picture = st.container()
        magnify = choose_one(_("Magnify"), MAGNIFY, key="magnify", default=16, is_labelled=False)
        with picture:
            _difference(found, magnify)
    with answers:
        st.markdown("**" + _("What it says, before and after") + "**")
        _answers(found, key=key)


def _difference(found: AttackSnapshot, magnify: int) -> None:
    limit = the_lab().settings.max_pixels
    before, after = (
        to_array(decode(data, max_pixels=limit)) for data in (found.original, found.picture)
    )
    picture = compare.difference(before, after, magnify=magnify or 1, is_sign=magnify == 0)
    words = _("The perturbation, magnified: {share:.0f} % of all values differ")
    live_picture(picture, alt=words.format(share=100 * found.gap.changed_share))


def _answers(found: AttackSnapshot, *, key: str) -> None:
    """The most probable classes of both pictures, on one axis."""
    top = [answer.label for said in (found.before, found.after) for answer in said[:_SHOWN]]
    labels = list(dict.fromkeys(top))
    colours, traces = palette(), []
    for name, said, colour in (
        (_("before"), found.before, colours[GREY]),
        (_("after"), found.after, colours[0]),
    ):
        shares = {answer.label: answer.probability for answer in said}
        known = [shares.get(label) for label in labels]
        traces.append(bars(labels, known, name=name, marker={"color": colour}))
    words = _("Before and after, on one axis: {labels}")
    alt = words.format(labels=", ".join(map(class_name, labels)))
    draw(traces, BARS_LAYOUT, key=f"answers_{key}", height=60 + 50 * len(labels), alt=alt)
