"""How often somebody may do something: so many at once, and more as time goes by."""

import time


class Allowance:
    """A count that is taken from, and grows again up to where it began; for one thread at once."""

    def __init__(self, most: float, a_second: float) -> None:
        self._most, self._a_second = most, a_second
        self.left = float(most)
        self._counted_at = time.monotonic()

    def take(self, count: float) -> float:
        """Take so much; what is left, which is below 0 where it was too much."""
        now = time.monotonic()
        self.left = min(self.left + (now - self._counted_at) * self._a_second, self._most) - count
        self._counted_at = now
        return self.left
