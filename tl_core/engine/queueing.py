"""Who may queue another job, in which order queued jobs start, and how often they are shown."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tl_core.engine.job import Job, JobState
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.base import Spec

MOST_QUESTIONS = 100  # of a visitor, that wait for their answers; a page asks for some ten
_POLLS = ((4, 0.5), (8, 1.0), (32, 2.0), (math.inf, 4.0))  # seconds, with so many runs at most


def refuse_excess(
    spec: Spec, owner: str, *, queue: Sequence[Job], active: Iterable[Job], settings: Settings
) -> None:
    """Refuse a run of a visitor who has enough of them; of quick questions there may be many.

    Once ``max_queue`` runs wait, every visitor may hold an equal share of these places, and at
    least one: whoever has less is taken in all the same, so nobody who is new is turned away.

    Raises:
        UserError: If the visitor has too many runs or questions, or holds a full share of a full
            queue.
    """
    mine = [job for job in active if owner in job.owners and job.spec.is_quick == spec.is_quick]
    if spec.is_quick:
        if len(mine) >= MOST_QUESTIONS:
            raise UserError("The lab is still answering your last questions. Wait a moment.")
        return
    if len(mine) >= settings.max_jobs_per_visitor:
        raise UserError(
            "You already have {count} runs going. Stop one, or wait until one is done.",
            count=len(mine),
        )
    waiting = [job for job in queue if not job.spec.is_quick]
    places = Counter(who for job in waiting for who in job.owners)
    share = max(settings.max_queue // len(places.keys() | {owner}), 1)
    if len(waiting) >= settings.max_queue and places[owner] >= share:
        raise UserError(
            "The lab is full: {waiting} runs are waiting, {mine} of them yours. Stop one of "
            "yours, or try again when one of them has started.",
            waiting=len(waiting),
            mine=places[owner],
        )


def rank(queue: list[Job], running: Iterable[Job]) -> None:
    """Order the queue in place: quick first, then everyone's first job before anyone's second.

    Jobs whose tab is closed come last.
    """
    going = Counter(owner for job in running for owner in job.owners)
    places: dict[Job, tuple[bool, bool, int, float]] = {}
    for job in sorted(queue, key=lambda job: job.submitted_at):
        owner = min(job.owners, default="")
        is_last = job.is_unattended
        places[job] = (not job.spec.is_quick, is_last, going[owner], job.submitted_at)
        going[owner] += 1
    queue.sort(key=places.__getitem__)
    for position, job in enumerate(queue, start=1):
        job.position = position


def poll_s(counts: Mapping[JobState, int]) -> float:
    """Seconds between two looks at a run, and two pictures of it: more where there are many.

    A look takes time that the runs need.
    """
    count = counts[JobState.QUEUED] + counts[JobState.RUNNING]
    return next(seconds for most, seconds in _POLLS if count <= most)
