"""Whose turn is next: by served time, quick questions first, and nobody left standing."""

from collections.abc import Sequence

from tl_core.engine.ledger import Ledger
from tl_core.engine.runner import Runner

_QUICK_IN_A_ROW = 8  # then one slice of a long run, so that questions cannot starve it
_FAIR_IN_A_ROW = 3  # then the run that has waited longest, whoever's it is


class Turns:
    """Chooses the next runner; not thread-safe, so the scheduler's lock guards it."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._quick_turns = 0
        self._fair_turns = 0

    def next(self, able: Sequence[Runner]) -> Runner | None:
        """Return one of the runners that can go on, given longest waiting first, or ``None``."""
        quick = [runner for runner in able if runner.jobs[0].spec.is_quick]
        long = [runner for runner in able if runner not in quick]
        is_quick_turn = bool(quick) and (not long or self._quick_turns < _QUICK_IN_A_ROW)
        self._quick_turns = self._quick_turns + 1 if is_quick_turn else 0
        if is_quick_turn or not long:
            return min(quick, key=self._least_charged, default=None)
        self._fair_turns = (self._fair_turns + 1) % (_FAIR_IN_A_ROW + 1)
        return min(long, key=self._least_charged) if self._fair_turns else long[0]

    def _least_charged(self, runner: Runner) -> float:
        return self.ledger.least(runner.jobs)
