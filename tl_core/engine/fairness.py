"""Whose turn is next: by served time, quick questions first, and nobody waits for ever."""

from collections.abc import Sequence

from tl_core.engine.job import Job
from tl_core.engine.runner import Runner

_QUICK_IN_A_ROW = 8  # then one slice of a long run, so that questions cannot starve it
_MOST_LEAD_S = 0.25  # of live frames over runs, or of runs over live frames
_FAIR_IN_A_ROW = 3  # then the run that has waited longest, whoever's it is


class ServedTime:
    """Seconds the device has worked for each visitor; the scheduler's lock guards it.

    The seconds of a batch are shared by its jobs, those of a job by its owners.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def admit(self, owner: str, jobs: Sequence[Job]) -> None:
        """Charge a newcomer as much as the least charged owner of ``jobs``, all that are open.

        With less, everyone else would stand still until the newcomer has caught up.
        """
        known = [self._seconds[o] for job in jobs for o in job.owners if o in self._seconds]
        self._seconds[owner] = max(self._seconds.get(owner, 0.0), min(known, default=0.0))

    def forget(self, owner: str) -> None:
        """Drop a visitor who is gone; later slices charge nothing to that name."""
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


class Turns:
    """Chooses the next runner; not thread-safe, so the scheduler's lock guards it.

    Quick questions go first. Live frames and runs have half of the rest each, where both wait.
    """

    def __init__(self) -> None:
        self.served = ServedTime()
        self._quick_turns = 0
        self._fair_turns = 0
        self._lead_s = 0.0  # how much more the live frames have had than the runs

    def next(self, able: Sequence[Runner]) -> Runner | None:
        """Return one of the runners that can go on, given longest waiting first, or ``None``."""
        live = [runner for runner in able if runner.jobs[0].spec.is_live]
        quick = [runner for runner in able if runner.jobs[0].spec.is_quick and runner not in live]
        long = [runner for runner in able if not runner.jobs[0].spec.is_quick]
        is_alone = not live and not long
        is_quick_turn = bool(quick) and (is_alone or self._quick_turns < _QUICK_IN_A_ROW)
        self._quick_turns = self._quick_turns + 1 if is_quick_turn else 0
        if is_quick_turn:
            return min(quick, key=self._least_charged)
        if live and (not long or self.owes_live):
            return min(live, key=self._least_charged)
        if not long:
            return None
        self._fair_turns = (self._fair_turns + 1) % (_FAIR_IN_A_ROW + 1)
        return min(long, key=self._least_charged) if self._fair_turns else long[0]

    @property
    def owes_live(self) -> bool:
        """Whether live frames have had no more than runs lately."""
        return self._lead_s <= 0

    def charge(self, jobs: Sequence[Job], seconds: float) -> None:
        """Note a slice that worked for these jobs, which are all of one kind."""
        self.served.charge(jobs, seconds)
        if jobs[0].spec.is_live:
            self.charge_live(seconds)
        elif not jobs[0].spec.is_quick:
            self.charge_live(-seconds)

    def charge_live(self, seconds: float) -> None:
        """Note time that went to live frames, waiting for them included; less than 0: to runs."""
        self._lead_s = min(max(self._lead_s + seconds, -_MOST_LEAD_S), _MOST_LEAD_S)

    def _least_charged(self, runner: Runner) -> float:
        return self.served.least(runner.jobs)
