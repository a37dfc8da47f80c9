"""An experiment on *Teach it*: two trainings that differ in one trick, by ``/teach?preset=KEY``."""

from typing import Any

import streamlit as st

from pages.shared import link, runs
from pages.shared.chapters import Chapter, note_of
from pages.shared.experiments import EXPERIMENTS, SAME, WITH, WITHOUT, Experiment
from pages.shared.sitemap import TRICKS
from pages.shared.words import _, percent
from pages.training.run import NAME, Way
from pages.visit.state import Outcome
from tl_core.lab import JobState
from tl_core.specs.training import FineTune, FineTuneSnapshot, mode_row

_CLEAR = 0.03  # of accuracies: from this difference on one of two is better


def chosen() -> Experiment | None:
    """The experiment that a link asks for, or that was chosen before and not left."""
    key = link.chosen(link.PRESET, "")
    found = EXPERIMENTS.get(key)
    if key and found is None:
        link.refuse(link.PRESET)
    is_new = st.session_state.get("experiment") != key
    if found is not None and is_new and "dataset" not in st.session_state.get("linked", {}):
        link.set_choice("dataset", found.trick.data)
    st.session_state.experiment = key if found else ""
    return found


def chapter() -> Chapter | None:
    """The question of the chosen experiment."""
    found = chosen()
    return found.chapter if found else None


def describe(experiment: Experiment) -> None:
    """What the two runs have in common and in what they differ, and the way out."""
    both = FineTune(dataset=experiment.trick.data, **experiment.trick.both)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        words = _("Experiment: {title}").format(title=_(experiment.title))
        st.markdown(f"**{words}**", width="content")
        st.button(
            _("Leave the experiment"),
            key="leave_experiment",
            icon=":material/close:",
            type="tertiary",
            on_click=_leave,
        )
    words = _(
        "Two runs in one chart: **{without}** and **{with_it}**. All other settings are the same: "
        "{way}, {photographs} photographs per class, {epochs} epochs, and the seed."
    )
    if not experiment.trick.is_about_rates:
        words += " " + _("Each uses the best of three learning rates: {first:g} and {second:g}.")
    first, second = (
        experiment.trick.fields(has_it=has_it)["learning_rate"] for has_it in (False, True)
    )
    st.caption(
        words.format(
            without=_(experiment.without),
            with_it=_(experiment.with_it),
            way=_(mode_row(both.mode).short),
            photographs=both.photos_per_class,
            epochs=both.chosen_epochs,
            first=first,
            second=second,
        )
    )


def ways_of(experiment: Experiment) -> list[Way]:
    """The two runs."""
    names = {False: _(experiment.without), True: _(experiment.with_it)}
    return [(name, name, experiment.trick.fields(has_it=has_it)) for has_it, name in names.items()]


def draw_outcome(experiment: Experiment) -> None:
    """Both figures once both runs are over, why, and what five seeds have measured."""
    found = _accuracies(experiment)
    if found is None:
        return
    without, with_it, about = found
    difference = with_it - without
    answer = WITH if difference >= _CLEAR else WITHOUT if difference <= -_CLEAR else SAME
    figures: dict[str, float | str] = {"without": 100 * without, "with_it": 100 * with_it}
    note_of(experiment.chapter, Outcome(about, answer, figures))
    st.subheader(_("What happened"), anchor=False)
    words = _("**{without} {first}, {with_it} {second}.** {why}")
    st.markdown(
        words.format(
            without=_(experiment.without),
            first=percent(without),
            with_it=_(experiment.with_it),
            second=percent(with_it),
            why=_(experiment.why),
        )
    )
    seeds = _("Measured with five seeds, 95 % confidence interval:")
    st.caption(f"{seeds} {experiment.measured_words()} {experiment.source}")
    st.page_link(TRICKS.path, label=_("All experiments"), icon=TRICKS.icon)


def _leave() -> None:
    link.drop_choice(link.PRESET)
    link.set_choice("mode", ["head"])


def _accuracies(experiment: Experiment) -> tuple[float, float, str] | None:
    """Both accuracies, the latter with the trick, and the run's name; none while one is missing.

    A run that diverged at once is as good as a guess.
    """
    run, found = runs.current(NAME), dict[bool, float]()
    for _label, job in run.jobs if run else []:
        spec, snapshot = job.spec, job.snapshot
        if not isinstance(spec, FineTune) or not isinstance(snapshot, FineTuneSnapshot):
            return None
        for has_it in (False, True):
            if not _has(spec, experiment.trick.fields(has_it=has_it)):
                continue
            if snapshot.result is not None:
                found[has_it] = snapshot.result.accuracy
            elif job.state is JobState.FAILED:
                found[has_it] = 1 / len(snapshot.classes)
    if run is None or len(found) < 2:
        return None
    return found[False], found[True], run.at + run.jobs[0][1].id


def _has(spec: FineTune, fields: dict[str, Any]) -> bool:
    return all(getattr(spec, name) == value for name, value in fields.items())
