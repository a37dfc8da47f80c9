"""Pictures, charts and figures of an attack, while it runs and when it is done."""

import math

import plotly.graph_objects as go
import streamlit as st

from pages.fooling.swipe import swipe
from pages.shared.charts import GREEN, GREY, answer_bars, draw, palette
from pages.shared.picture import live_picture
from pages.shared.visit import the_lab
from pages.shared.words import _, plain
from pages.state import Run
from tl_core.images import compare
from tl_core.images.decode import decode
from tl_core.images.photo import to_array
from tl_core.lab import Job
from tl_core.specs import AttackSnapshot, Gap, SmallestSnapshot

MAGNIFY = {1: "×1", 4: "×4", 16: "×16", 64: "×64", 0: "sign"}


def draw_attack(run: Run) -> None:
    """Original, attacked and the difference; what the network says before and after."""
    job = run.jobs[0][1]
    found = job.snapshot
    if not isinstance(found, AttackSnapshot) or not found.picture:
        return
    _verdict(found, is_over=job.is_over)
    original, attacked, change = st.columns(3)
    with original:
        live_picture(found.original, alt=_("The photograph"))
        st.caption(_("Before: {label}").format(label=plain(found.before[0].label)))
        answer_bars(found.before, key=f"before_{job.id}")
    with attacked:
        live_picture(found.picture, alt=_("The attacked photograph"))
        st.caption(_("After: {label}").format(label=plain(found.after[0].label)))
        answer_bars(found.after, key=f"after_{job.id}")
    with change:
        _draw_change(found, job)
    figures(found.gap)
    if job.is_over:
        st.markdown("**" + _("Swipe: can you see the attack?") + "**")
        words = _("Swipe between the photograph and the attacked picture")
        with st.columns([1, 2])[0]:
            swipe(found.original, found.picture, key=f"swipe_{job.id}", alt=words)


def _draw_change(found: AttackSnapshot, job: Job) -> None:
    """The difference, magnified, and the probability of the goal by step."""
    magnify = int(st.session_state.get("magnify", 16))
    _difference(found.original, found.picture, magnify)
    st.caption(_("What was added, {words}").format(words=_(MAGNIFY[magnify])))
    if job.is_over:
        st.segmented_control(
            _("Magnify"),
            list(MAGNIFY),
            default=16,
            required=True,
            format_func=lambda key: _(MAGNIFY[key]),
            key="magnify",
            label_visibility="collapsed",
        )
    _history(found, key=f"history_{job.id}")


def _verdict(found: AttackSnapshot, *, is_over: bool) -> None:
    if found.is_fooled:
        steps = found.step if found.first_success is None else found.first_success
        words = _("Fooled after {steps} steps: the saved picture is seen as **{label}**.")
        words = words.format(steps=steps, label=plain(found.after[0].label))
        st.success(words, icon=":material/check_circle:")
        return
    words = _("Not fooled yet: step {step} of {steps}, goal at {percent:.1f} %.")
    icon = ":material/hourglass_top:"
    if is_over:
        words = _("Not fooled: it ended at step {step} of {steps}, goal at {percent:.1f} %.")
        icon = ":material/block:"
    percent = 100 * found.probability
    st.info(words.format(step=found.step, steps=found.steps, percent=percent), icon=icon)


def _difference(original: bytes, attacked: bytes, magnify: int) -> None:
    limit = the_lab().settings.max_pixels
    before, after = (to_array(decode(data, max_pixels=limit)) for data in (original, attacked))
    picture = compare.difference(before, after, magnify=magnify or 1, is_sign=magnify == 0)
    live_picture(picture, alt=_("The difference, magnified"))


def figures(gap: Gap) -> None:
    """The distance of the saved picture from the photograph, in five measures."""
    shown = {
        _("L∞, levels of 1/255"): str(gap.linf_levels),
        _("L2"): f"{gap.l2:.2f}",
        _("PSNR"): "∞" if math.isinf(gap.psnr_db) else f"{gap.psnr_db:.1f} dB",
        _("SSIM"): f"{gap.ssim:.4f}",
        _("Values changed"): f"{100 * gap.changed_share:.1f} %",
    }
    with st.container(horizontal=True, gap="large"):
        for name, value in shown.items():
            st.metric(name, value, width="content")


def _history(found: AttackSnapshot, *, key: str) -> None:
    if len(found.history) < 2:
        return
    columns = dict(zip(found.columns, zip(*found.history, strict=True), strict=True))
    percent = [100 * value for value in columns["probability"]]
    figure = go.Figure(go.Scatter(x=columns["step"], y=percent, name=_("goal")))
    figure.update_yaxes(range=[0, 102], title=_("goal, %"))
    figure.update_xaxes(title=_("step"))
    draw(figure, key=key, height=210, alt=_("Probability of the goal by step"))


def draw_smallest(run: Run) -> None:
    """The success curve over epsilon, then how few values had to move."""
    job = run.jobs[0][1]
    found = job.snapshot
    if not isinstance(found, SmallestSnapshot):
        return
    st.subheader(_("The smallest budget"), anchor=False)
    if found.epsilon is not None:
        words = _("{levels} level(s) of 255 are enough to make it **{label}**").format(
            levels=found.epsilon, label=plain(found.after[0].label) if found.after else ""
        )
        if found.counts:
            words += _(", and only {few:,} of {all:,} values have to move.").format(
                few=found.counts[-1][1], all=found.total_values
            )
        st.markdown(words)
    curve, counts, picture = st.columns([2, 2, 1])
    with curve:
        _success_by_epsilon(found, key=f"levels_{job.id}")
    with counts:
        if found.counts:
            _values_by_queries(found, key=f"values_{job.id}")
    with picture:
        if found.picture:
            live_picture(found.picture, alt=_("The smallest change"))
    if found.gap.changed_values:
        figures(found.gap)


def _success_by_epsilon(found: SmallestSnapshot, *, key: str) -> None:
    colours = palette()
    bars = go.Figure()
    bars.add_bar(
        x=[str(trial.epsilon) for trial in found.curve],
        y=[100 * trial.probability for trial in found.curve],
        marker_color=[colours[GREEN if trial.is_fooled else GREY] for trial in found.curve],
    )
    bars.update_xaxes(title=_("epsilon, levels (green: fooled)"))
    bars.update_yaxes(title=_("goal, %"), range=[0, 102])
    draw(bars, key=key, height=260, alt=_("Success against epsilon"))


def _values_by_queries(found: SmallestSnapshot, *, key: str) -> None:
    asked, moved = zip(*found.counts, strict=True)
    line = go.Figure(go.Scatter(x=asked, y=moved))
    line.update_xaxes(title=_("pictures shown to the network"))
    line.update_yaxes(title=_("values moved"), type="log")
    draw(line, key=key, height=260, alt=_("Values moved, falling"))
