"""How a run of ideal images looks: pictures, live curves, and what other networks say."""

import math

import streamlit as st
from plotly.subplots import make_subplots

from pages.drawing import gallery
from pages.shared.charts import GREY, draw, palette
from pages.shared.choose_class import are_imagenets
from pages.shared.choose_photo import choose
from pages.shared.live import answer
from pages.shared.picture import live_picture
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, chart_text, plain
from pages.state import Finished, Run
from tl_core.images import samples
from tl_core.lab import Job, JobState
from tl_core.specs import IdealImage, IdealSnapshot, Judge, Verdicts

_ASKED = "next_start"
_AXES = {
    "probability": "probability",
    "activation": "activation",
    "total_variation": "roughness",
}  # what has an axis of its own, and its title


def draw_run(run: Run) -> None:
    """One picture at large with its curves, or several side by side above theirs."""
    shown = [(label, job) for label, job in run.jobs if isinstance(job.snapshot, IdealSnapshot)]
    if len(run.jobs) == 1:
        for label, job in shown:
            _one(label, job)
        return
    for column, (label, job) in zip(st.columns(len(run.jobs)), run.jobs, strict=True):
        with column:
            st.markdown(f"**{plain(label)}**")
            if (label, job) in shown:
                _picture(job)
                _figures(job)
                _after(label, job, key=job.id)
    _race(shown, key=f"race_{run.jobs[0][1].id}")
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
        _picture(job)
        _figures(job)
    with curves:
        _curves(job.snapshot, key=f"curves_{job.id}")
        _after(label, job, key="main")


def _picture(job: Job) -> None:
    snapshot = job.snapshot
    alt = _("The picture after {step} steps").format(step=snapshot.step)
    if job.is_over:
        live_picture(snapshot.png, alt=alt, kind="image/png")
    else:
        live_picture(snapshot.picture, alt=alt)


def _figures(job: Job) -> None:
    snapshot = job.snapshot
    parts = [_("step {step} of {steps}").format(step=snapshot.step, steps=snapshot.steps)]
    if not math.isnan(snapshot.probability):
        parts.append(_("probability {p:.1f} %").format(p=100 * snapshot.probability))
    elif snapshot.history:
        parts.append(_("activation {a:.2f}").format(a=_columns(snapshot)["activation"][-1]))
    parts.append(_("total variation {tv:.3f}").format(tv=snapshot.total_variation))
    if not job.is_over and snapshot.steps_per_s:
        parts.append(
            _("{speed:.1f} steps/s, {left:.0f} s left").format(
                speed=snapshot.steps_per_s, left=snapshot.seconds_left
            )
        )
    st.caption(" · ".join(parts))


def _curves(snapshot: IdealSnapshot, *, key: str) -> None:
    """Probability or activation, roughness, loss terms; a line where a control was moved."""
    if len(snapshot.history) < 2:
        return
    columns = _columns(snapshot)
    steps = columns.pop("step")
    if math.isnan(snapshot.probability):  # a layer's goal
        del columns["probability"]
    rows = {n: row for row, n in enumerate([n for n in _AXES if n in columns], start=1)}
    last = len(rows) + any(name not in rows for name in columns)
    figure = make_subplots(rows=last, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    for name, values in columns.items():
        row = rows.get(name, last)
        largest = max(map(abs, values)) or 1.0
        figure.add_scatter(
            x=steps,
            y=[value / largest for value in values] if name not in rows else values,
            customdata=values,
            hovertemplate="%{customdata:.3g}",
            name=_(name.replace("_", " ")),
            row=row,
            col=1,
        )
    for step, control, value in snapshot.moves:
        figure.add_vline(x=step, line_dash="dot", line_color=palette()[GREY])
        figure.add_annotation(
            x=step, y=1, yref="paper", text=f"{control.replace('_', ' ')} {value:g}", textangle=-90
        )
    for name, row in rows.items():
        top = {"range": [0, 1.05]} if name == "probability" else {}
        figure.update_yaxes(title=_(_AXES[name]), row=row, col=1, **top)
    if last > len(rows):
        figure.update_yaxes(title=_("other terms"), showticklabels=False, row=last, col=1)
    figure.update_xaxes(title=_("step"), row=last, col=1)
    draw(figure, key=key, height=400, alt=_("Probability, total variation and loss terms by step"))


def _columns(snapshot: IdealSnapshot) -> dict[str, tuple[float, ...]]:
    """The history by the headings of its columns; an activation as it is, not as a loss."""
    columns = dict(zip(snapshot.columns, zip(*snapshot.history, strict=True), strict=True))
    if "activation" in columns:
        columns["activation"] = tuple(-loss for loss in columns["activation"])
    return columns


def _race(shown: list[tuple[str, Job]], *, key: str) -> None:
    """How sure the network is of each picture, and how rough it is, on shared axes."""
    shown = [(label, job) for label, job in shown if len(job.snapshot.history) > 1]
    if not shown:
        return
    is_layer = math.isnan(shown[0][1].snapshot.probability)
    names = ["activation" if is_layer else "probability", "total_variation"]
    figure = make_subplots(rows=1, cols=2)
    colours = palette()
    for index, (label, job) in enumerate(shown):
        columns = _columns(job.snapshot)
        for col, name in enumerate(names, start=1):
            figure.add_scatter(
                x=columns["step"],
                y=columns[name],
                name=chart_text(label),
                legendgroup=label,
                showlegend=col == 1,
                line_color=colours[index % len(colours)],
                row=1,
                col=col,
            )
    for col, name in enumerate(names, start=1):
        figure.update_yaxes(title=_(_AXES.get(name, name)), row=1, col=col)
        figure.update_xaxes(title=_("step"), row=1, col=col)
    draw(figure, key=key, height=300, alt=_("Probability and total variation of each by step"))


def _after(label: str, job: Job, *, key: str) -> None:
    """What the others say of a picture that is done or was stopped, and what to do with it."""
    if job.state not in (JobState.DONE, JobState.CANCELLED):
        return
    snapshot = job.snapshot
    spec = job.spec
    assert isinstance(snapshot, IdealSnapshot)
    assert isinstance(spec, IdealImage)
    is_own = bool(spec.photo) and not spec.photo.startswith(samples.PREFIX)
    finished = Finished(label, snapshot.png, snapshot.settings, snapshot.frames, is_own)
    gallery.add(finished)
    if not spec.layer:
        _verdicts(spec, snapshot)
    with st.container(horizontal=True):
        gallery.downloads(finished, key=key)
        if st.button(
            _("Go on from here"),
            key=f"from_{key}",
            icon=":material/replay:",
            on_click=_start_from,
            args=(snapshot.png,),
        ):
            st.rerun()  # the controls above are no part of what is drawn again and again


def _start_from(png: bytes) -> None:
    """Ask for the picture as the start of the next run; ``take_start`` grants it.

    What is set here for controls outside this fragment is lost where one of the page's timers
    comes in between: it brings the browser's own, older state of them along.
    """
    st.session_state[_ASKED] = png


def take_start() -> None:
    """Choose the picture that was asked for as the next start; only before the controls."""
    png = st.session_state.pop(_ASKED, None)
    if png is not None:
        st.session_state.from_photo = True
        choose(the_lab().add_photo(png, the_visit().id))
        st.toast(_("The next run starts from this picture."), icon=":material/replay:")


def _verdicts(spec: IdealImage, snapshot: IdealSnapshot) -> None:
    """What other networks say of each class that the picture shall show."""
    classes = the_lab().classes(spec.backbone)
    if not are_imagenets(classes):  # nobody else knows a visitor's own
        return
    moved = [value for _step, control, value in snapshot.moves if control == "mix"]
    mix = [spec.mix, *moved][-1]
    first = [spec.target] if mix < 1 else []
    second = [spec.second_target] if mix > 0 else []
    targets = list(dict.fromkeys([*first, *second]))
    photo = the_lab().add_photo(snapshot.png, the_visit().id)
    for target in targets:
        found = answer(Judge(photo=photo, target=target, backbone=spec.backbone), patience_s=0.1)
        if isinstance(found, Verdicts):
            _verdict(spec, found, f": {plain(classes[target])}" if len(targets) > 1 else "")


def _verdict(spec: IdealImage, found: Verdicts, of_class: str) -> None:
    st.markdown("**" + _("Networks that never saw it") + f"{of_class}**")
    others = [verdict for verdict in found.verdicts if verdict.backbone != spec.backbone]
    st.markdown(
        "\n".join(
            _("- {network}: **{percent:.1f} %** (it says {top})").format(
                network=plain(verdict.label),
                percent=100 * verdict.probability,
                top=plain(verdict.top_name),
            )
            for verdict in others
        )
    )
