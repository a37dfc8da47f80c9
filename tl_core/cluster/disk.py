"""What a machine has on its disk, looked at from time to time."""

import threading
import time

from tl_core.backbones.weights import WeightsState
from tl_core.cluster.messages import Disk
from tl_core.local.compute import LocalCompute

_LOOK_S = 2.0


class DiskWatch:
    """Thread-safe; begins to read files of weights that nobody has read yet."""

    def __init__(self, compute: LocalCompute) -> None:
        self._compute = compute
        self._checking: set[str] = set()  # files that are being read
        self._seen, self._number = self._look(), 1
        self._seen_at = time.monotonic()
        self._lock = threading.Lock()

    def now(self) -> tuple[Disk, int]:
        """What is there, and a number that grows when that changes."""
        with self._lock:
            if time.monotonic() >= self._seen_at + _LOOK_S:
                now = self._look()
                self._number += now != self._seen
                self._seen, self._seen_at = now, time.monotonic()
            return self._seen, self._number

    def _look(self) -> Disk:
        networks = self._compute.networks
        weights = {key: networks.state(row) for key, row in networks.rows.items()}
        for key, state in weights.items():
            if state is WeightsState.UNREAD and key not in self._checking:
                self._checking.add(key)
                networks.begin_check(networks.rows[key])
        return Disk(
            weights=weights,
            fitting=frozenset(key for key, row in networks.rows.items() if networks.fits(row)),
            datasets=tuple(self._compute.datasets.entries()),
        )
