"""How a run of ideal images looks: pictures, live curves, and what other networks say."""

import math

import streamlit as st
from plotly.subplots import make_subplots

from pages.widgets import gallery
from pages.widgets.charts import COLOURS, draw
from pages.widgets.live import answer
from pages.widgets.photo import choose
from pages.widgets.picture import live_picture
from pages.widgets.runs import Run
from pages.widgets.visit import the_lab, the_visit
from pages.widgets.words import _
from tl_core.lab import Job, JobState
from tl_core.specs import IdealImage, IdealSnapshot, Judge, Verdicts


def draw_run(run: Run) -> None:
    """One picture at large with its curves, or several side by side."""
    shown = [(label, job) for label, job in run.jobs if isinstance(job.snapshot, IdealSnapshot)]
    if len(run.jobs) == 1:
        for label, job in shown:
            _one(label, job)
        return
    for column, (label, job) in zip(st.columns(len(run.jobs)), shown, strict=False):
        with column:
            st.markdown(f"**{label}**")
            _picture(job.snapshot)
            _figures(job.snapshot)
            if job.state is JobState.DONE:
                _after(label, job, key=job.id)
    done = [job.snapshot for _label, job in shown if job.state is JobState.DONE]
    if run.is_over and len(done) > 1:
        st.download_button(
            _("Contact sheet (PNG)"),
            lambda: gallery.contact_sheet([snapshot.png for snapshot in done]),
            "contact_sheet.png",
            "image/png",
            key="contact_sheet",
            icon=":material/download:",
            on_click="ignore",
        )


def _one(label: str, job: Job) -> None:
    picture, curves = st.columns([2, 3])
    with picture:
        _picture(job.snapshot)
        _figures(job.snapshot)
    with curves:
        _curves(job.snapshot, key=f"curves_{job.id}")
        if job.state is JobState.DONE:
            _after(label, job, key="main")


def _picture(snapshot: IdealSnapshot) -> None:
    alt = _("The picture after {step} steps").format(step=snapshot.step)
    if snapshot.png:
        live_picture(snapshot.png, alt=alt, kind="image/png")
    else:
        live_picture(snapshot.picture, alt=alt)


def _figures(snapshot: IdealSnapshot) -> None:
    parts = [_("step {step} of {steps}").format(step=snapshot.step, steps=snapshot.steps)]
    if not math.isnan(snapshot.probability):
        parts.append(_("probability {p:.1f} %").format(p=100 * snapshot.probability))
    parts.append(_("total variation {tv:.3f}").format(tv=snapshot.total_variation))
    if snapshot.step < snapshot.steps and snapshot.steps_per_s:
        parts.append(
            _("{speed:.1f} steps/s, {left:.0f} s left").format(
                speed=snapshot.steps_per_s, left=snapshot.seconds_left
            )
        )
    st.caption(" · ".join(parts))


def _curves(snapshot: IdealSnapshot, *, key: str) -> None:
    """Probability, roughness and the other loss terms; a line where a control was moved."""
    if len(snapshot.history) < 2:
        return
    columns = dict(zip(snapshot.columns, zip(*snapshot.history, strict=True), strict=True))
    steps = columns.pop("step")
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    rows = {"probability": 1, "total_variation": 2}
    for index, (name, values) in enumerate(columns.items()):
        row = rows.get(name, 3)
        largest = max(map(abs, values)) or 1.0
        figure.add_scatter(
            x=steps,
            y=[value / largest for value in values] if row == 3 else values,
            customdata=values,
            hovertemplate="%{customdata:.3g}",
            name=_(name.replace("_", " ")),
            line_color=COLOURS[index % len(COLOURS)],
            row=row,
            col=1,
        )
    for step, control, value in snapshot.moves:
        figure.add_vline(x=step, line_dash="dot", line_color=COLOURS[-1])
        figure.add_annotation(
            x=step, y=1, yref="paper", text=f"{control.replace('_', ' ')} {value:g}", textangle=-90
        )
    figure.update_yaxes(range=[0, 1.05], title=_("probability"), row=1, col=1)
    figure.update_yaxes(title=_("roughness"), row=2, col=1)
    figure.update_yaxes(title=_("other terms"), showticklabels=False, row=3, col=1)
    figure.update_xaxes(title=_("step"), row=3, col=1)
    draw(figure, key=key, height=400, alt=_("Probability, total variation and loss terms by step"))


def _after(label: str, job: Job, *, key: str) -> None:
    """What the others say, and what to do with the picture."""
    snapshot = job.snapshot
    spec = job.spec
    assert isinstance(snapshot, IdealSnapshot)
    assert isinstance(spec, IdealImage)
    finished = gallery.Finished(label, snapshot.png, snapshot.settings, snapshot.frames)
    gallery.add(finished)
    if not spec.layer:
        _verdicts(spec, snapshot)
    with st.container(horizontal=True):
        gallery.downloads(finished, key=key)
        st.button(
            _("Go on from here"),
            key=f"from_{key}",
            icon=":material/replay:",
            on_click=_start_from,
            args=(snapshot.png,),
        )


def _start_from(png: bytes) -> None:
    """Make the picture the photograph that the next run starts from."""
    st.session_state.from_photo = True
    choose(the_lab().add_photo(png, the_visit().id))


def _verdicts(spec: IdealImage, snapshot: IdealSnapshot) -> None:
    photo = the_lab().add_photo(snapshot.png, the_visit().id)
    question = Judge(photo=photo, target=spec.target, backbone=spec.backbone)
    found = answer(question, patience_s=0.1)
    if not isinstance(found, Verdicts):
        return
    st.markdown("**" + _("Networks that never saw it") + "**")
    others = [verdict for verdict in found.verdicts if verdict.backbone != spec.backbone]
    st.markdown(
        "\n".join(
            _("- {network}: **{percent:.1f} %** (it says {top})").format(
                network=verdict.label, percent=100 * verdict.probability, top=verdict.top_name
            )
            for verdict in others
        )
    )
