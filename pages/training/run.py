"""The page's run: a job for each mode, and those that are done."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.shared import runs
from pages.shared.visit import the_visit
from pages.shared.words import _, show_error
from pages.training.modes import snapshot_of
from tl_core.lab import UserError
from tl_core.training.spec import FineTune, FineTuneSnapshot, mode_row

NAME = "teach"


def begin(modes: Sequence[str], settings: dict[str, Any]) -> bool:
    """Start one job a mode; return whether any was accepted."""
    try:
        specs = [(_(mode_row(mode).label), FineTune(mode=mode, **settings)) for mode in modes]
    except UserError as error:
        show_error(error)
        return False
    the_visit().thumbnails.clear()
    st.session_state.pop("cell", None)
    return runs.begin(NAME, specs)


def finished() -> dict[str, tuple[str, FineTune, FineTuneSnapshot]]:
    """The jobs of the page's run that are done, by their model: label, spec, snapshot."""
    run = runs.current(NAME)
    found = {}
    for label, job in run.jobs if run else []:
        snapshot = snapshot_of(job)
        if snapshot is not None and snapshot.result is not None and isinstance(job.spec, FineTune):
            found[snapshot.result.model] = (label, job.spec, snapshot)
    return found


def best_of(done: Mapping[str, tuple[str, FineTune, FineTuneSnapshot]]) -> str:
    """The model that was right most often, of what ``finished`` returns."""

    def accuracy(model: str) -> float:
        result = done[model][2].result
        return result.accuracy if result else 0.0

    return max(done, key=accuracy)
