"""Waiting for a job of the lab."""

from collections.abc import Callable
from typing import Any

from tl_core.errors import UserError
from tl_core.lab import JobState, Lab
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.download import OPERATOR

OWNER = OPERATOR
_POLL_S = 0.2


def run_to_end(
    lab: Lab, spec: Spec, *, show: Callable[[Snapshot], None] = lambda _snapshot: None
) -> Any:
    """Run a spec to its end and return its last snapshot, calling ``show`` on the way.

    Raises:
        UserError: If it failed.
    """
    job = lab.jobs.submit(spec, OWNER)
    while not job.wait(_POLL_S):
        if job.snapshot is not None:
            show(job.snapshot)
    if job.error is not None:
        raise job.error
    if job.state is not JobState.DONE or job.snapshot is None:
        raise UserError("The work was stopped before it was done. Start it again.")
    return job.snapshot
