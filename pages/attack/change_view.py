"""What an attack has added: the swipe, the difference, its figures, and all answers."""

import streamlit as st

from pages.attack.attack_view import figures
from pages.attack.swipe import swipe
from pages.shared.charts import answer_bars
from pages.shared.choose_one import choose_one
from pages.shared.picture import live_picture
from pages.shared.visit import the_lab
from pages.shared.words import _
from tl_core.attack import compare
from tl_core.attack.spec import AttackSnapshot
from tl_core.images.decode import decode
from tl_core.images.photo import to_array
from tl_core.lab import gettext_noop as N_

MAGNIFY = {1: N_("×1"), 4: N_("×4"), 16: N_("×16"), 64: N_("×64"), 0: N_("sign (+ or −)")}


def draw_change(found: AttackSnapshot, *, key: str) -> None:
    """Compare the photograph and the attacked picture by eye, by value and by answer."""
    by_eye, difference, answers = st.columns(3, gap="medium")
    with by_eye:
        st.markdown("**" + _("Swipe: can you see the perturbation?") + "**")
        words = _("Swipe between the photograph and the attacked picture")
        swipe(found.original, found.picture, key=f"swipe_{key}", alt=words)
    with difference:
        st.markdown("**" + _("The perturbation, magnified") + "**")
        picture = st.container()
        magnify = choose_one(_("Magnify"), MAGNIFY, key="magnify", default=16, is_labelled=False)
        with picture:
            _difference(found, magnify)
    with answers:
        st.markdown("**" + _("What it said before") + "**")
        answer_bars(found.before, key=f"before_{key}")
        st.markdown("**" + _("What it says now") + "**")
        answer_bars(found.after, key=f"after_{key}")
    figures(found.gap)


def _difference(found: AttackSnapshot, magnify: int) -> None:
    limit = the_lab().settings.max_pixels
    before, after = (
        to_array(decode(data, max_pixels=limit)) for data in (found.original, found.picture)
    )
    picture = compare.difference(before, after, magnify=magnify or 1, is_sign=magnify == 0)
    words = _("The perturbation, magnified: {share:.0f} % of all values differ")
    live_picture(picture, alt=words.format(share=100 * found.gap.changed_share))
