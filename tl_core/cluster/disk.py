"""What a machine has on its disk, looked at from time to time."""

import logging
import threading
import time

from tl_core.backbones.weights import WeightsState
from tl_core.cluster.messages import Disk
from tl_core.local.compute import LocalCompute

log = logging.getLogger(__name__)

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
                now = self._look_again()
                self._number += now != self._seen
                self._seen, self._seen_at = now, time.monotonic()
            return self._seen, self._number

    def _look_again(self) -> Disk:
        try:
            return self._look()
        except OSError as error:  # a file went away in between
            log.info("the disk is looked at again later: %s", error)
            return self._seen

    def _look(self) -> Disk:
        networks = self._compute.networks
        weights = {key: networks.state(row) for key, row in networks.rows.items()}
        unread = {key for key, state in weights.items() if state is WeightsState.UNREAD}
        for key in unread - self._checking:
            networks.begin_check(networks.rows[key])
        self._checking = unread
        return Disk(
            weights=weights,
            fitting=frozenset(key for key, row in networks.rows.items() if networks.fits(row)),
            datasets=tuple(self._compute.datasets.entries()),
        )
