"""The photograph under the attacked picture, and what the network says of each."""

import math
from collections.abc import Sequence

import streamlit as st

from pages.attack.swipe import swipe
from pages.shared.charts import axis, draw
from pages.shared.live import answer
from pages.shared.none_of_these import is_none
from pages.shared.picture import MAIN_PICTURE, live_picture
from pages.shared.words import _, class_name, number, percent, plain_class
from pages.visit.state import Run
from tl_core.lab import gettext_noop as N_
from tl_core.specs.attack import Attack, AttackSnapshot, Gap
from tl_core.specs.classify import Answer, Classify, Novelty

_MEASURES = {
    N_("L∞, levels of 1/255"): N_("The largest change to any value; 255 is the maximum."),
    N_("L2"): N_(
        "The whole change in one number: how far apart the pictures are, over all values."
    ),
    N_("PSNR"): N_(
        "How faint the change is compared with the largest possible value. Above 40 dB, hardly "
        "anyone can see it."
    ),
    N_("SSIM"): N_(
        "How alike the two pictures look in brightness, contrast and structure; 1 means the same."
    ),
    N_("Values changed"): N_("The share of all red, green and blue values that changed at all."),
}


def draw_untouched(photo: str, backbone: str) -> None:
    """The photograph, as long as nothing was changed in it."""
    found = answer(Classify(photo=photo, backbone=backbone), height=MAIN_PICTURE)
    if found is not None:
        with st.container(key="pair"):
            _draw_photograph(found.seen, found.answers, found.novelty)
            with st.container(key="verdict"):
                st.markdown(_("Press Start, and watch what the network says."))


def draw_pair(run: Run) -> None:
    """Before and after, and how far the attack is."""
    job = run.jobs[0][1]
    found = job.snapshot
    if not isinstance(found, AttackSnapshot) or not found.picture:
        if isinstance(job.spec, Attack):
            draw_untouched(job.spec.photo, job.spec.backbone)
        return
    with st.container(key="pair"):
        _draw_photograph(found.original, found.before, found.novelty_before)
        words = _("The attacked photograph: {label}, {percent}")
        with st.container(key="after"):
            _draw_said(found.picture, words, found.after, found.novelty_after)
        swipe(_("Swipe between the photograph and the attacked picture"))
        with st.container(key="verdict"):
            _verdict(found, is_over=job.is_over)


def draw_curve(run: Run) -> None:
    """The probability of the goal by step."""
    job = run.jobs[0][1]
    found = job.snapshot
    if not isinstance(found, AttackSnapshot) or len(found.history) < 2:
        return
    columns = dict(zip(found.columns, zip(*found.history, strict=True), strict=True))
    percent = [100 * value for value in columns["probability"]]
    line = {"type": "scatter", "x": columns["step"], "y": percent, "name": _("goal")}
    layout = {"xaxis": axis(_("step")), "yaxis": axis(_("probability, %"), range=[0, 102])}
    words = _("Probability of the goal by step: {percent:.0f} % at step {step}")
    alt = words.format(percent=percent[-1], step=int(columns["step"][-1]))
    draw([line], layout, key=f"history_{job.id}", height=130, alt=alt)


def figures(gap: Gap) -> None:
    """The distance of the saved picture from the photograph, in five measures."""
    shown = {
        "L∞, levels of 1/255": str(gap.linf_levels),
        "L2": number(gap.l2, ".2f"),
        "PSNR": "∞" if math.isinf(gap.psnr_db) else _("{db:.1f} dB").format(db=gap.psnr_db),
        "SSIM": number(gap.ssim, ".4f"),
        "Values changed": percent(gap.changed_share),
    }
    with st.container(horizontal=True, gap="large"):
        for name, value in shown.items():
            st.metric(_(name), value, width="content", help=_(_MEASURES[name]))


def _draw_photograph(picture: bytes, answers: Sequence[Answer], novelty: Novelty | None) -> None:
    with st.container(key="before"):
        _draw_said(picture, _("The photograph: {label}, {percent}"), answers, novelty)


def _draw_said(
    picture: bytes, alt: str, answers: Sequence[Answer], novelty: Novelty | None
) -> None:
    """A picture with the network's first answer on it; or that it is none of the classes."""
    label, sure = class_name(answers[0].label), percent(answers[0].probability)
    none = [_("none of these")] if is_none(novelty) else []
    live_picture(picture, alt=alt.format(label=label, percent=sure), said=[label, sure, *none])


def _verdict(found: AttackSnapshot, *, is_over: bool) -> None:
    figures = {
        "first": found.step if found.first_success is None else found.first_success,
        "sure": found.first_confident,
        "step": found.step,
        "steps": found.steps,
        "percent": 100 * found.probability,
        "label": plain_class(found.after[0].label),
    }
    show, icon = st.info, ":material/hourglass_top:"
    if found.first_confident is not None:
        show, icon = st.success, ":material/check_circle:"
        words = _(
            "Fooled at step {first}, and as sure as you asked at step {sure}: seen as **{label}**."
        )
    elif found.is_fooled and is_over:
        show, icon = st.success, ":material/check_circle:"
        words = _(
            "Fooled at step {first}, and the goal ended at {percent:.0f} %: seen as **{label}**."
        )
    elif found.is_fooled:
        words = _(
            "Fooled at step {first}. Going on until the goal is as probable as you asked: step "
            "{step} of {steps}."
        )
    elif is_over:
        icon = ":material/block:"
        words = _("Not fooled: ended at step {step} of {steps}, with the goal at {percent:.1f} %.")
    else:
        words = _("Not fooled yet: step {step} of {steps}, with the goal at {percent:.1f} %.")
    show(words.format(**figures), icon=icon)
