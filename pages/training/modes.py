"""What the page says of each mode of training: its colour, and figures as text."""

from collections.abc import Sequence
from dataclasses import dataclass

from pages.shared.charts import palette
from pages.shared.words import _
from pages.visit.state import Run
from tl_core.lab import Job
from tl_core.specs.training import MODES, FineTune, FineTuneSnapshot, mode_row

_SMALL = 25  # photographs in a test: one is worth more than four points
TOP3_FROM = 6  # classes; with fewer, three guesses say little


def colours() -> dict[str, str]:
    """The colour of each mode, by its key."""
    return dict(zip((row.key for row in MODES), palette(), strict=False))


@dataclass(frozen=True, slots=True)
class Line:
    """One of the runs that are drawn on the same axes."""

    name: str
    colour: str
    spec: FineTune
    job: Job


def lines_of(run: Run) -> list[Line]:
    """A run's jobs with their names and colours."""
    jobs = [(name, job, job.spec) for name, job in run.jobs if isinstance(job.spec, FineTune)]
    specs = [spec for _name, _job, spec in jobs]
    names = [_(mode_row(spec.mode).label) for spec in specs]  # in the language of today
    if has_one_mode_twice(specs):
        names = [name for name, _job, _spec in jobs]
    return [
        Line(name, colour, spec, job)
        for name, colour, (_name, job, spec) in zip(names, colours_of(specs), jobs, strict=True)
    ]


def colours_of(specs: Sequence[FineTune]) -> list[str]:
    """The colour of each training: its mode's, or by its place where two are of one mode."""
    if has_one_mode_twice(specs):
        return palette()[: len(specs)]
    return [colours()[spec.mode] for spec in specs]


def has_one_mode_twice(specs: Sequence[FineTune]) -> bool:
    """Whether trainings have to be told apart by something else than their mode."""
    return len({spec.mode for spec in specs}) < len(specs)


def snapshot_of(job: Job) -> FineTuneSnapshot | None:
    """The newest snapshot of a job, once it has one."""
    return job.snapshot if isinstance(job.snapshot, FineTuneSnapshot) else None


def small_test(count: int) -> str:
    """How far one photograph moves the figure, where the test is small; else nothing."""
    if not 0 < count < _SMALL:
        return ""
    words = _(
        "A small validation set: only {count} photographs. Each one moves accuracy by "
        "{points:.0f} percentage points."
    )
    return words.format(count=count, points=100 / count)


def interval_words(interval: tuple[float, float]) -> str:
    low, high = (100 * bound for bound in interval)
    return _("{low:.1f} – {high:.1f} %").format(low=low, high=high)
