"""A run of ideal images: pictures, figures, curves, and what follows when one is done."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ideal import gallery
from pages.ideal.curves import CURVE_HEIGHT, columns_of, compare_curves, draw_curves
from pages.ideal.start_view import draw_dissolving, draw_start
from pages.shared import link, runs
from pages.shared.chapters import note
from pages.shared.choose_class import are_imagenets
from pages.shared.choose_photo import choose
from pages.shared.download import download
from pages.shared.live import answer
from pages.shared.picture import live_picture
from pages.shared.sitemap import IDEAL
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, percent, plain, plain_class
from pages.visit.state import Finished, Outcome, Run
from tl_core.images import samples
from tl_core.lab import Job, JobState
from tl_core.specs.ideal import IdealImage, IdealSnapshot, Judge, Verdicts

_HAS_NEW_START = "has_new_start"
_KNOWS, _SURE = 0.5, 0.9  # probabilities
_DISSOLVES_S = 3.0
_SKELETON = 170  # pixels, of one of several pictures


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of the run as it stands, its state read before its snapshot."""

    id: str
    label: str
    spec: IdealImage
    state: JobState
    is_over: bool
    snapshot: IdealSnapshot


def draw_pictures(run: Run) -> None:
    """One picture at large, or several side by side, each place kept from the first moment."""
    pictures = [_picture_of(label, job) for label, job in run.jobs]
    for place, (label, job), found in zip(_places(run), run.jobs, pictures, strict=True):
        with place:
            with st.container(key=f"drawn_{job.id}"):
                _draw(job, found, is_alone=len(pictures) == 1)
            if len(pictures) > 1:
                st.markdown(f"**{plain(label)}**")
            if found is not None:
                st.caption(_figures(found, is_alone=len(pictures) == 1))


def draw_enough(run: Run) -> None:
    """Once the network is sure of the only picture, say since when, and offer to end the run."""
    _label, job = run.jobs[0]
    found = _picture_of("", job)
    if len(run.jobs) > 1 or found is None or run.is_over or not found.snapshot.probability >= _SURE:
        return
    columns = columns_of(found.snapshot)
    rows = zip(columns["step"], columns["probability"], strict=True)
    step = next((step for step, share in rows if share >= _SURE), found.snapshot.step)
    with st.container(horizontal=True, vertical_alignment="center", key="sure_enough"):
        st.caption(_("Sure since step {step:.0f}").format(step=step), width="content")
        st.button(_("Stop here"), key="enough", on_click=runs.stop, args=(run,))


def draw_charts(run: Run) -> None:
    """The curves, and below them what follows once pictures are done."""
    pictures = [_picture_of(label, job) for label, job in run.jobs]
    shown = [picture for picture in pictures if picture is not None]
    if len(pictures) == 1:
        if not shown or len(shown[0].snapshot.history) < 2:
            st.skeleton(CURVE_HEIGHT)
        for picture in shown:
            draw_curves(picture.snapshot, key=f"curves_{picture.id}")
            _draw_when_over(picture, key="main")
        return
    compare_curves(
        [(picture.label, picture.snapshot) for picture in shown], key=f"race_{run.jobs[0][1].id}"
    )
    for place, found in zip(_places(run), pictures, strict=True):
        with place:
            if found is not None:
                _draw_when_over(found, key=found.id)
    done = [picture.snapshot.png for picture in shown if picture.state is JobState.DONE]
    if run.is_over and len(done) > 1:
        download(
            _("Contact sheet (PNG)"),
            partial(gallery.contact_sheet, done),
            "contact_sheet.png",
            key="contact_sheet",
            icon=":material/download:",
        )


def _places(run: Run) -> Sequence[DeltaGenerator]:
    return st.columns(len(run.jobs))


def _picture_of(label: str, job: Job) -> _Picture | None:
    state, is_over, snapshot = job.state, job.is_over, job.snapshot
    if isinstance(job.spec, IdealImage) and isinstance(snapshot, IdealSnapshot):
        return _Picture(job.id, label, job.spec, state, is_over, snapshot)
    return None


def _draw(job: Job, picture: _Picture | None, *, is_alone: bool) -> None:
    """A picture, with its class and probability on it; over it for a moment what stood here."""
    if picture is not None:
        snapshot, said = picture.snapshot, []
        if is_alone and not math.isnan(snapshot.probability):
            said = [picture.label, percent(snapshot.probability)]
        alt = _("The picture after {step} steps").format(step=snapshot.step)
        live_picture(snapshot.png if picture.is_over else snapshot.picture, alt=alt, said=said)
    elif is_alone and isinstance(job.spec, IdealImage):
        with st.container():
            draw_start(job.spec)
    else:
        st.skeleton(_SKELETON)
    is_new = not job.is_over and time.monotonic() < job.submitted_at + _DISSOLVES_S
    if is_alone and is_new and isinstance(job.spec, IdealImage):
        draw_dissolving(job.spec)


def _figures(picture: _Picture, *, is_alone: bool) -> str:
    """How far it is, and what the network says; of one of several the rest is in the charts."""
    snapshot = picture.snapshot
    parts = [_("step {step} of {steps}").format(step=snapshot.step, steps=snapshot.steps)]
    if math.isnan(snapshot.probability):
        if snapshot.history:
            parts.append(_("activation {a:.2f}").format(a=columns_of(snapshot)["activation"][-1]))
    elif not is_alone:
        parts.append(_("probability of the picture {p:.1f} %").format(p=100 * snapshot.probability))
    if is_alone and not picture.is_over and snapshot.steps_per_s:
        words = _("{speed:.1f} steps/s, {left:.0f} s left")
        parts.append(words.format(speed=snapshot.steps_per_s, left=snapshot.seconds_left))
    return " · ".join(parts)


def _draw_when_over(picture: _Picture, *, key: str) -> None:
    """Verdicts, downloads and a restart, once a picture is done or was stopped."""
    if picture.state not in (JobState.DONE, JobState.CANCELLED):
        return
    snapshot, spec = picture.snapshot, picture.spec
    is_own = bool(spec.photo) and not spec.photo.startswith(samples.PREFIX)
    finished = Finished(picture.label, snapshot.png, snapshot.settings, snapshot.frames, is_own)
    gallery.add(finished)
    if not spec.layer:
        _verdicts(spec, snapshot, is_alone=key == "main")
    with st.container(horizontal=True):
        gallery.downloads(finished, key=key)
        words, icon, args = _("Continue from here"), ":material/replay:", (snapshot.png,)
        st.button(words, key=f"from_{key}", icon=icon, on_click=_start_from, args=args)


def _verdicts(spec: IdealImage, snapshot: IdealSnapshot, *, is_alone: bool) -> None:
    """What other networks say of each class that the picture shall show.

    Of one picture alone, and one class, that answers the chapter's question.
    """
    classes = the_lab().backbones.classes(spec.backbone)
    if not are_imagenets(classes):  # nobody else knows a visitor's own
        return
    mix = spec.mix
    for _step, control, value in snapshot.moves:
        if control == "mix" and value is not None:
            mix = value
    first = [spec.target] if mix < 1 else []
    second = [spec.second_target] if mix > 0 else []
    targets = list(dict.fromkeys([*first, *second]))
    photo = the_lab().photos.add(snapshot.png, the_visit().id)
    for target in targets:
        found = answer(Judge(photo=photo, target=target, backbone=spec.backbone), timeout_s=0.1)
        if found is not None:
            if is_alone and len(targets) == 1:
                note(IDEAL, _of_another(found, spec, classes[target]))
            _verdict(spec, found, plain_class(classes[target]) if len(targets) > 1 else "")


def _verdict(spec: IdealImage, found: Verdicts, of_class: str) -> None:
    words = _("**Networks that weren't used to draw it**")
    if of_class:
        words = _("**{name}, according to networks that weren't used to draw it**").format(
            name=of_class
        )
    st.markdown(words)
    others = [verdict for verdict in found.verdicts if verdict.backbone != spec.backbone]
    lines = [
        _("- {network}: **{percent:.1f} %** (its first answer: {top})").format(
            network=plain(verdict.label),
            percent=100 * verdict.probability,
            top=plain_class(verdict.top_name),
        )
        for verdict in others
    ]
    st.markdown("\n".join(lines))
    rows = [the_lab().backbones.row(key) for key in (spec.backbone, *(v.backbone for v in others))]
    if others and len({row.family for row in rows}) == 1:
        st.caption(
            _(
                "They're all from one family, {family}, so they're more likely to agree with each "
                "other."
            ).format(family=rows[0].family)
        )


def _of_another(found: Verdicts, spec: IdealImage, label: str) -> Outcome | None:
    """Whether the first network that took no part in the picture knows its class."""
    own = next((row for row in found.verdicts if row.backbone == spec.backbone), None)
    other = next((row for row in found.verdicts if row.backbone != spec.backbone), None)
    if own is None or other is None:
        return None
    return Outcome(
        about=f"{own.probability} {label}",
        answer="yes" if other.probability >= _KNOWS else "no",
        figures={
            "network": own.label,
            "other": other.label,
            "label": label,
            "own": 100 * own.probability,
            "percent": 100 * other.probability,
        },
    )


def _start_from(png: bytes) -> None:
    """Choose the picture as the start of the next run."""
    link.set_choice("from_photo", value=True)
    choose(the_lab().photos.add(png, the_visit().id))
    st.session_state[_HAS_NEW_START] = True
    st.rerun()  # the controls are outside this fragment


def say_start() -> None:
    """Say once that the next run starts from a picture; what is said before a rerun is lost."""
    if st.session_state.pop(_HAS_NEW_START, False):
        st.toast(_("The next run starts from this picture."), icon=":material/replay:")
