"""``lab.prepare``: a server gets its backbones and data sets by itself, before anybody asks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tl_core.backbones.catalogue import CATALOGUE
from tl_core.datasets.catalogue import DATASETS
from tl_core.errors import UserError
from tl_core.specs.datasets import ImportData
from tl_core.specs.download import OPERATOR, Download

if TYPE_CHECKING:  # a server reads the names before it loads torch
    from tl_core.api.backbones import Backbones
    from tl_core.api.datasets import Datasets
    from tl_core.api.jobs import Jobs

log = logging.getLogger(__name__)

RETRY_WAITS_S = (60.0, 300.0, 1800.0, 7200.0)  # after each round in which something failed
_DATASETS = frozenset(row.key for row in DATASETS)


def names_to_prepare(text: str) -> tuple[str, ...]:
    """The names in ``TL_PREPARE``, each once; needs no torch.

    Raises:
        UserError: If no backbone or data set of the catalogues is called that.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    known = [*(row.key for row in CATALOGUE), *(row.key for row in DATASETS)]
    for name in names:
        if name not in known:
            raise UserError(
                "TL_PREPARE names {name}, but nothing has that name. Choose from: {names}.",
                name=name,
                names=", ".join(known),
            )
    return names


class Preparation:
    """Downloads what is missing in a thread of its own, one after another, as visitors do.

    What fails is tried again after each of ``waits_s``.
    """

    def __init__(
        self,
        jobs: Jobs,
        backbones: Backbones,
        datasets: Datasets,
        *,
        waits_s: Sequence[float] = RETRY_WAITS_S,
    ) -> None:
        self._jobs = jobs
        self._backbones = backbones
        self._datasets = datasets
        self._waits_s = waits_s
        self._closing = threading.Event()

    def start(self, names: Sequence[str]) -> threading.Thread:
        """Begin to get what is not here yet; returns at once, the thread that does it."""
        thread = threading.Thread(target=self._get_all, args=(names,), name="prepare", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Begin no download any more; the one under way is the scheduler's to end."""
        self._closing.set()

    def _get_all(self, names: Sequence[str]) -> None:
        missing = self._missing(names)
        for wait_s in (*self._waits_s, None):
            errors = {name: self._get(name) for name in missing if not self._closing.is_set()}
            missing = [name for name, error in errors.items() if error is not None]
            if self._closing.is_set():
                return
            later = "not tried again" if wait_s is None else f"tried again in {wait_s / 60:.0f} min"
            for name in missing:
                log.warning("%s could not be downloaded, %s: %s", name, later, errors[name])
            if not missing or wait_s is None or self._closing.wait(wait_s):
                return

    def _missing(self, names: Sequence[str]) -> list[str]:
        self._backbones.finish_checks()
        here = {row.key for row in self._backbones.ready()}
        here |= {entry.key for entry in self._datasets.rows() if entry.state == "ready"}
        return [name for name in names if name not in here]

    def _get(self, name: str) -> UserError | None:
        """Download it; why it could not be, or ``None``."""
        spec = ImportData(dataset=name) if name in _DATASETS else Download(name=name)
        try:
            job = self._jobs.submit(spec, OPERATOR)
        except UserError as error:  # the lab is too busy, or in trouble
            return error
        job.wait()
        return job.error
