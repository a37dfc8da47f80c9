"""``lab.backbones``: the pretrained networks there are, and whether they can be used now."""

from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from enum import StrEnum

from tl_core.api.jobs import Jobs
from tl_core.backbones.catalogue import BackboneRow
from tl_core.backbones.weights import WeightsState
from tl_core.compute import Networks
from tl_core.engine.job import Job, JobState
from tl_core.errors import gettext_noop as N_


class BackboneState(StrEnum):
    """Whether a backbone can be used now."""

    READY = N_("ready")
    DOWNLOADABLE = N_("can be downloaded")
    DOWNLOADING = N_("downloading")
    OFFLINE = N_("offline")  # the last download did not reach a server
    TOO_LARGE = N_("too large for this server")
    CHECKING = N_("being checked")  # a file that nobody has compared with its checksum yet
    DAMAGED = N_("damaged")  # or another file of that name


@dataclass(frozen=True, slots=True)
class BackboneStatus:
    """A catalogue row with what this lab knows of it."""

    row: BackboneRow
    state: BackboneState
    download: Job | None  # the newest one, running or ended


@dataclass(eq=False, repr=False)
class Backbones:
    """The catalogue's networks and visitors' own, by key; thread-safe.

    Every method with a ``key`` raises ``UserError`` where there is no such network (any more).
    """

    _networks: Networks
    _jobs: Jobs
    _checks: dict[str, Future[None]] = field(default_factory=dict)  # files being read, by backbone

    def rows(self) -> list[BackboneStatus]:
        """Every backbone of the catalogue with its state, in the catalogue's order."""
        return [
            BackboneStatus(row, self._state(row), self._jobs.download(row.key))
            for row in self._networks.rows.values()
        ]

    def ready(self) -> list[BackboneRow]:
        """The rows that can be used now."""
        return [row for row in self._networks.rows.values() if self._is_ready(row)]

    def row(self, key: str) -> BackboneRow:
        """The catalogue's row of a backbone, or of the one that a visitor's model grew from."""
        return self._networks.row(key)

    def classes(self, key: str) -> tuple[str, ...]:
        """The names of a backbone's classes, by index."""
        return self._networks.classes(key)

    def channel_counts(self, key: str) -> Mapping[str, int]:
        """How many channels each layer of a backbone has that can be looked into, by its name."""
        return self._networks.channel_counts(key)

    def finish_checks(self) -> None:
        """Wait until every file of weights was compared with its checksum."""
        self.rows()
        wait(list(self._checks.values()))

    def _is_ready(self, row: BackboneRow) -> bool:
        return self._networks.fits(row) and self._networks.state(row) is WeightsState.READY

    def _state(self, row: BackboneRow) -> BackboneState:
        if not self._networks.fits(row):
            return BackboneState.TOO_LARGE
        weights = self._networks.state(row)
        if weights is WeightsState.READY:
            return BackboneState.READY
        download = self._jobs.download(row.key)
        if download is not None and not download.is_over:
            return BackboneState.DOWNLOADING
        if weights is WeightsState.UNREAD:
            self._check(row)
            return BackboneState.CHECKING
        if weights is WeightsState.DAMAGED:
            return BackboneState.DAMAGED
        if download is None or download.state is JobState.CANCELLED:
            return BackboneState.DOWNLOADABLE
        return BackboneState.OFFLINE

    def _check(self, row: BackboneRow) -> None:
        """Have a large file read beside the pages, unless that is under way."""
        under_way = self._checks.get(row.key)
        if under_way is None or under_way.done():
            self._checks[row.key] = self._networks.begin_check(row)
