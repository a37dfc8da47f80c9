"""The page's run: a job for each mode, begun by a press or by itself, and those that are done."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared import link, runs
from pages.shared.own_models import own_models
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, show_error
from pages.training.box import ENOUGH
from pages.training.model_names import now, proposed
from pages.training.modes import snapshot_of
from pages.visit.state import Data, Taught
from tl_core.lab import UserError
from tl_core.specs.datasets import OWN_DATASET, PreviewSnapshot
from tl_core.specs.training import FineTune, FineTuneSnapshot, mode_row

NAME = "teach"
LOOK = "look"  # the question what is in the data set
_LONG = 2.0  # minutes, from which on it is said before Start how long it takes
_FASTER, _SLOWER = 0.5, 1.5  # than the estimate, which knows one photograph alone on a quiet server
_AT_ONCE_S = 2.0  # for which the page waits: to draw it again would cost a busy server more
BY_ITSELF = "head"  # the mode that takes under a second
BEGIN_NOW = "begin_now"  # in the session, where a press elsewhere than on Start begins a run
Way = tuple[str, str, dict[str, Any]]  # a way to train: its name, a short one, its fields of a spec
Done = Mapping[str, tuple[str, FineTune, FineTuneSnapshot]]  # label, spec, snapshot by model


def ways_of(modes: Sequence[str]) -> list[Way]:
    """The ways to train that are modes, all else equal."""
    return [(_(mode_row(mode).label), _(mode_row(mode).short), {"mode": mode}) for mode in modes]


def begin(
    data: Data, ways: Sequence[Way], settings: dict[str, Any], *, is_by_itself: bool = False
) -> bool:
    """Start one job a way; return whether any was accepted.

    A newer run of the page may break this off wherever it looks into the session: what it learns
    from counts as learned only once the jobs are there.
    """
    visit, at = the_visit(), now()
    classes = [name for name, _photos in data.photos] or the_lab().datasets.classes(data.dataset)
    try:
        specs = [
            (label, FineTune(label=proposed(classes, short, at), **(settings | fields)))
            for label, short, fields in ways
        ]
    except UserError as error:
        visit.learned_from = data.photos
        show_error(error)
        return False
    visit.thumbnails.clear()
    st.session_state.pop("cell", None)
    _begin_to_try(data)
    for key in visit.outlived:
        the_lab().models.drop(key)
    visit.outlived.clear()
    has_begun = runs.begin(NAME, specs)
    run = visit.runs[NAME]
    run.data, run.is_by_itself, run.at = data, is_by_itself, at
    visit.learned_from = data.photos
    return has_begun


def say_how_long(ways: Sequence[Way], settings: dict[str, Any]) -> None:
    """Say before Start about how long the ways take together, where that is minutes."""
    look = the_visit().jobs.get(LOOK)
    if look is None or not isinstance(look.snapshot, PreviewSnapshot):
        return
    classes = [(found.train, found.validation) for found in look.snapshot.classes]
    try:
        specs = [FineTune(**(settings | fields)) for _label, _short, fields in ways]
    except UserError:  # which Start says
        return
    minutes = sum(the_lab().jobs.training_s(spec, classes) for spec in specs) / 60
    if minutes * _SLOWER >= _LONG:
        words = _("All of this takes about {low:.0f} to {high:.0f} minutes here.")
        low, high = max(minutes * _FASTER, 1), minutes * _SLOWER
        st.caption(words.format(low=low, high=high))


def begin_by_itself(data: Data | None, modes: Sequence[str], settings: dict[str, Any]) -> None:
    """Teach a new head when the photographs in the boxes are others than those of the last run.

    That takes at least ``ENOUGH`` in each class but one that a correction has begun; what a
    visitor has begun themself goes on undisturbed.
    """
    visit = the_visit()
    if data is None or data.dataset != OWN_DATASET or list(modes) != [BY_ITSELF]:
        return
    photos = [photos for _name, photos in data.photos]
    is_known = photos == [photos for _name, photos in visit.learned_from]
    is_recording = any(box.is_recording for box in visit.boxes)
    few = [each for each in photos if len(each) < ENOUGH]
    if is_known or is_recording or any(set(each).isdisjoint(data.corrections) for each in few):
        return
    run = runs.current(NAME)
    if run is not None and not run.is_over:
        if not run.is_by_itself:
            return
        runs.stop(run)
    if begin(data, ways_of(modes), settings, is_by_itself=True):
        until = time.monotonic() + _AT_ONCE_S
        for _label, job in visit.runs[NAME].jobs:
            job.wait(until - time.monotonic())


def _begin_to_try(data: Data) -> None:
    """Of what is taught for the first time, a test photograph is shown until one is chosen."""
    visit, last = the_visit(), runs.current(NAME)
    before = last.data if last is not None else None
    if before is None or (before.dataset, before.boxes) != (data.dataset, data.boxes):
        visit.not_tried = visit.choices.get("sample", "")


def finished() -> dict[str, tuple[str, FineTune, FineTuneSnapshot]]:
    """The jobs of the page's run that are done, by their model: label, spec, snapshot."""
    run = runs.current(NAME)
    found = {}
    for label, job in run.jobs if run else []:
        snapshot = snapshot_of(job)
        if snapshot is not None and snapshot.result is not None and isinstance(job.spec, FineTune):
            found[snapshot.result.model] = (label, job.spec, snapshot)
    return found


def take_in(done: Done) -> None:
    """Note how new models came to be; one that came by itself takes the place of the last such."""
    visit, run = the_visit(), runs.current(NAME)
    for model, (_label, spec, _snapshot) in done.items():
        if model in visit.taught or run is None or run.data is None:
            continue
        taught = Taught(run.data.boxes, spec.mode, run.at, run.is_by_itself)
        if run.is_by_itself:
            for older in own_models():
                if older != model and _is_replaced(older):
                    visit.outlived.append(older)
                    if older in (visit.choices.get("backbone"), visit.backbone):
                        link.set_choice("backbone", model)
        visit.taught[model] = taught


def _is_replaced(model: str) -> bool:
    visit = the_visit()
    taught = visit.taught.get(model)
    return taught is not None and taught.is_by_itself and model not in visit.named


def best_of(done: Done) -> str:
    """The model that was right most often, of what ``finished`` returns; unmeasured ones last."""

    def accuracy(model: str) -> float:
        result = done[model][2].result
        return result.accuracy if result and result.is_measured else -1.0

    return max(done, key=accuracy)


def is_clear(done: Done) -> bool:
    """Whether the best is better than the others by more than the test leaves open."""
    results = [snapshot.result for _label, _spec, snapshot in done.values() if snapshot.result]
    best, *others = sorted(results, key=lambda result: -result.accuracy)
    return all(best.interval[0] > other.interval[1] for other in others)
