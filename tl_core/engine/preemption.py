"""Who has a place among the runs that take turns, and who gives theirs up for whom.

A visitor's first run goes before anybody's second, and both before runs whose tab is closed. Who
has the next slice, and that quick questions go before runs, is in `fairness.py`.
"""

from collections.abc import Sequence

from tl_core.engine.job import Job, JobState
from tl_core.engine.runner import Runner

_FIRST, _FURTHER, _UNATTENDED = range(3)

Leaving = list[tuple[Runner, Job]]


def to_give_way(job: Job, runners: Sequence[Runner]) -> Leaving:
    """Return the runs that step aside so that a queued one can start; it may be that none do.

    One of a batch that it would join, or all of another runner; those that stand lowest, and of
    these the newest.
    """
    standings = _standings(runners)
    is_here = any(job.owners & other.owners for other in standings)
    mine = _UNATTENDED if job.is_unattended else _FURTHER if is_here else _FIRST

    def lowest(leaving: Leaving) -> tuple[int, float]:
        return min((standings[other], other.submitted_at) for _, other in leaving)

    key = job.spec.batch_key
    alike = [runner for runner in runners if key is not None and _key(runner) == key]
    members = [[(runner, other)] for runner in alike for other in _under_way(runner)]
    whole = [[(runner, other) for other in _under_way(runner)] for runner in runners]
    lower = [leaving for leaving in members + whole if leaving and lowest(leaving)[0] > mine]
    return max(lower, key=lowest, default=[])


def somebody_would_give_way(runners: Sequence[Runner]) -> bool:
    """Whether a run is under way that is not the first of a visitor who is here."""
    return any(standing > _FIRST for standing in _standings(runners).values())


def _standings(runners: Sequence[Runner]) -> dict[Job, int]:
    """How each run under way stands among them all."""
    running = [job for runner in runners for job in _under_way(runner)]
    seen: set[str] = set()
    standings = {}
    for job in sorted(running, key=lambda job: job.submitted_at):
        is_further = bool(job.owners & seen)
        standings[job] = _UNATTENDED if job.is_unattended else _FURTHER if is_further else _FIRST
        seen |= job.owners
    return standings


def _under_way(runner: Runner) -> list[Job]:
    """The runs of a runner, paused ones left out."""
    return [job for job in runner.jobs if job.spec.is_run and job.state is JobState.RUNNING]


def _key(runner: Runner) -> object:
    return runner.jobs[0].spec.batch_key
