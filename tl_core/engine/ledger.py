"""How long the device has worked for each visitor: what makes turns fair."""

from collections.abc import Sequence

from tl_core.engine.job import Job


class Ledger:
    """Seconds by visitor; not thread-safe, so the scheduler's lock guards it.

    The seconds of a batch are shared by its jobs, those of a job by its owners.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def welcome(self, owner: str, jobs: Sequence[Job]) -> None:
        """Charge a newcomer as much as the least charged owner of ``jobs``, all that are open.

        With less, everyone else would stand still until the newcomer has caught up.
        """
        known = [self._seconds[o] for job in jobs for o in job.owners if o in self._seconds]
        self._seconds[owner] = max(self._seconds.get(owner, 0.0), min(known, default=0.0))

    def forget(self, owner: str) -> None:
        """Strike out a visitor who is gone; later slices charge nothing to that name."""
        self._seconds.pop(owner, None)

    def charge(self, jobs: Sequence[Job], seconds: float) -> None:
        """Note a slice that worked for these jobs."""
        for job in jobs:
            for owner in job.owners & self._seconds.keys():
                self._seconds[owner] += seconds / len(jobs) / len(job.owners)

    def least(self, jobs: Sequence[Job]) -> float:
        """Return what the least charged owner of these jobs has been charged."""
        owners = {owner for job in jobs for owner in job.owners}
        return min((self._seconds.get(owner, 0.0) for owner in owners), default=0.0)
