"""Choosing what to learn from: own photographs, a data set of the machine, or one to download."""

from collections.abc import Sequence

import streamlit as st

from pages.shared import link
from pages.shared.choose_backbone import NOT_OFFERED, megabytes
from pages.shared.live import POLL_S, share_done, start
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, number, plain, sentence, show_error
from pages.training.boxes import more_boxes, own_boxes
from pages.training.corrections import corrected
from pages.training.load_model import load_model
from pages.training.thrown_away import undo_button
from pages.visit.state import Box, Data
from tl_core.lab import BackboneRow, DatasetStatus, Job, JobState, UserError
from tl_core.lab import gettext_noop as N_
from tl_core.specs.datasets import (
    MIN_CLASSES,
    MIN_PHOTOS,
    OWN_DATASET,
    ImportData,
    ImportSnapshot,
    require_classes,
)

_SMALL_BYTES = 20 * 2**20  # a download to wait for
_PHASES = {
    "downloading": N_("downloading"),
    "unpacking": N_("unpacking"),
    "checking": N_("checking for files we can't read"),
}


def choose_data(row: BackboneRow, *, has_all: bool) -> Data | None:
    """Draw the choice; ``None`` while there is nothing to learn from.

    ``row`` is of the network that learns. Where the page does not show ``has_all`` of its controls,
    other ways to fill the boxes, data sets and saved models wait behind *More*.
    """
    entries = sorted(the_lab().datasets.rows(), key=_is_far)  # stable: the lab's order otherwise
    found = {entry.key: entry for entry in entries}
    offered = [OWN_DATASET, *found]
    above, boxes = st.container(horizontal=True, gap="small", key="data_row"), st.container()
    more = st.container() if has_all else st.popover(_("More"), icon=":material/more_horiz:")
    fold = st.popover if has_all else st.expander  # no popover may hold another
    with link.kept("dataset", OWN_DATASET, offered):
        is_own = st.session_state.dataset == OWN_DATASET
        chosen = (above if has_all or not is_own else more).selectbox(
            _("Learn from"),
            offered,
            format_func=lambda key: (
                _label(found[key]) if key in found else _("Your own photographs")
            ),
            key="dataset",
            label_visibility="collapsed",
        )
    if is_own:
        with above:
            undo_button()
    with boxes:
        data = _own(row) if is_own else _on_the_shelf(found[chosen])
    with more:
        if is_own:
            more_boxes(fold)
            offer_small_download()
        if not has_all:
            load_model(fold)
    return data


def has_empty_boxes() -> bool:
    """Whether there is nothing to learn from because no box holds a photograph."""
    is_own = st.session_state.dataset == OWN_DATASET
    return is_own and not any(box.photos for box in the_visit().boxes)


def offer_ready_set() -> None:
    """Take the first data set that is on this machine, in place of boxes."""
    entries = the_lab().datasets.rows()
    row = next(entry.row for entry in entries if entry.row is not None and not _is_far(entry))
    st.button(
        _("Use a built-in data set: {label}").format(label=plain(_(row.label))),
        key="ready_set",
        type="primary",
        shortcut="Alt+S",
        icon=":material/photo_library:",
        width="stretch",
        on_click=link.set_choice,
        args=("dataset", row.key),
    )


def offer_small_download() -> None:
    """Offer the first data set that is not on this machine, if it is here in half a minute."""
    lab = the_lab()
    rows = [entry.row for entry in lab.datasets.rows() if entry.row and _is_far(entry)]
    if not has_empty_boxes() or not rows or rows[0].download_bytes > _SMALL_BYTES:
        return
    if not lab.jobs.visitors_may_download(rows[0].key):
        return
    words = _("Get “{label}”: {size} to download")
    size = megabytes(rows[0].download_bytes / 2**20)
    st.button(
        words.format(label=plain(_(rows[0].label)), size=size),
        key="small_download",
        icon=":material/download:",
        on_click=link.set_choice,
        args=("dataset", rows[0].key),
    )


def _own(row: BackboneRow) -> Data | None:
    above = st.container(key="what_to_do")  # comes first, and depends on what is in the boxes
    own_boxes(row)
    boxes = _used(the_visit().boxes)
    if not any(box.photos for box in boxes):
        above.caption(_("At least four photographs of each"))
    fixed = {box.id for _one, box in corrected()}
    if any(len(box.photos) < (1 if box.tests or box.id in fixed else MIN_PHOTOS) for box in boxes):
        return None  # each box says what it needs
    photos = tuple((box.name, tuple(box.photos)) for box in boxes)
    tests = tuple((box.name, tuple(box.tests)) for box in boxes if box.tests)
    try:
        require_classes(photos, tests, [one.photo for one, _box in corrected()])
    except UserError as error:
        above.info(sentence(error), icon=":material/photo_library:")
        return None
    return Data(
        OWN_DATASET,
        photos,
        tests,
        tuple(burst for box in boxes for burst in _bursts(box)),
        tuple(box.id for box in boxes),
        next((box.name for box in boxes if box.is_other), ""),
        tuple(one.photo for one, _box in corrected()) + _learned_too(OWN_DATASET),
    )


def _learned_too(dataset: str) -> tuple[str, ...]:
    return the_visit().learned_too.get(dataset, ())


def _used(boxes: Sequence[Box]) -> Sequence[Box]:
    """The boxes that are classes: not an empty one beside two others that are filled."""
    filled = [box for box in boxes if box.photos]
    return filled if len(filled) >= MIN_CLASSES else boxes


def _bursts(box: Box) -> list[tuple[str, ...]]:
    """The recordings that several photographs of a box are from."""
    found: dict[int, list[str]] = {}
    for photo in box.photos:
        if photo in box.bursts:
            found.setdefault(box.bursts[photo], []).append(photo)
    return [tuple(photos) for photos in found.values() if len(photos) > 1]


def _on_the_shelf(entry: DatasetStatus) -> Data | None:
    if entry.row is not None:
        st.caption(_("From: {licence}").format(licence=_(entry.row.licence)))
    name = f"import {entry.key}"
    job = the_visit().jobs.get(name) or the_lab().jobs.download(entry.key)
    if job is not None and not job.is_over:
        _follow(job, name)
        return None
    if not _is_far(entry):
        return Data(entry.key, corrections=_learned_too(entry.key))
    with st.container(border=True):
        is_offered = the_lab().jobs.visitors_may_download(entry.key)
        size = megabytes((entry.row.download_bytes if entry.row else 0) / 2**20)
        words = _("**{label}** is not on this machine yet: {size} to download.")
        if not is_offered:
            words = _(NOT_OFFERED)
        st.markdown(words.format(label=plain(_(entry.label)), size=size, key=entry.key))
        if job is not None and job.state is JobState.FAILED and job.error is not None:
            show_error(job.error)
        words, icon = _("Download"), ":material/download:"
        if is_offered and st.button(words, key="download", icon=icon, type="primary"):
            spec = ImportData(dataset=entry.key)  # the download is one that all visitors share
            job = start(lambda: the_lab().jobs.submit(spec, the_visit().id))
            if job is not None:
                the_visit().jobs[name] = job
                st.rerun()
    return None


@st.fragment(run_every=POLL_S)
def _follow(job: Job, name: str) -> None:
    visit = the_visit()
    if job.is_over:
        st.rerun()
    if isinstance(job.snapshot, ImportSnapshot):
        st.progress(share_done(job), text=_progress_words(job.snapshot))
    if visit.id in job.owners and st.button(
        _("Cancel"), key="cancel_download", icon=":material/close:"
    ):
        the_lab().jobs.leave(job, visit.id)  # it goes on for others who wait for it
        visit.jobs.pop(name, None)
        st.rerun()


def _progress_words(progress: ImportSnapshot) -> str:
    phase = _(_PHASES.get(progress.phase, progress.phase))
    if progress.phase == "downloading":
        done, total = (megabytes(n / 2**20) for n in (progress.step, progress.steps))
    else:
        done, total = number(progress.step, ","), number(progress.steps, ",")
    return _("{phase}: {done} of {total}").format(phase=phase, done=done, total=total)


def _is_far(entry: DatasetStatus) -> bool:
    return entry.state == "can be downloaded"


def _label(entry: DatasetStatus) -> str:
    if entry.row is None:
        return _("{label} · a folder on this machine").format(label=entry.label)
    parts = [_(entry.label), _("{count:,} pictures").format(count=entry.row.photographs)]
    if _is_far(entry) and not the_lab().jobs.visitors_may_download(entry.key):
        parts.append(_("not on this machine"))
    elif _is_far(entry):
        size = megabytes(entry.row.download_bytes / 2**20)
        parts.append(_("{size} to download").format(size=size))
    return " · ".join(parts)
