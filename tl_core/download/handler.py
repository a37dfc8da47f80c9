"""The download handler: turns a name into a file on disk, with progress, beside the worker."""

import time
from collections.abc import Mapping

from tl_core.backbones.catalogue import DownloadableWeights
from tl_core.context import Context
from tl_core.datasets.catalogue import DATASETS
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.fetching import DownloadRequest, fetch, unknown_download
from tl_core.specs.base import Snapshot
from tl_core.specs.download import Download, DownloadProgress

PUBLISH_EVERY_S = 0.25

Requests = Mapping[str, DownloadRequest | None]  # by name; None: comes with the installation


def backbone_requests(context: Context) -> Requests:
    """What fetches the weights of each backbone."""
    settings = context.settings
    keep_free_bytes = settings.keep_free_disk_mb * 2**20
    return {
        row.key: row.source.request(settings.weights_dir, settings.mirror, keep_free_bytes)
        if isinstance(row.source, DownloadableWeights)
        else None
        for row in context.backbones.rows.values()
    }


def request_for(name: str, context: Context) -> DownloadRequest | None:
    """What fetches ``name``; ``None`` where it comes with the installation.

    Raises:
        UserError: If nothing is called that.
    """
    known = backbone_requests(context)
    if name not in known:
        raise unknown_download(name, [*known, *(row.key for row in DATASETS)])
    return known[name]


def run(job: Job[Download], context: Context) -> Sliced[Snapshot]:
    """Download what the job's spec names; a cancelled download is resumed by the next.

    Raises:
        UserError: If it is unknown or cannot be had.
    """
    spec = job.spec
    request = request_for(spec.name, context)
    size = None
    if request is None:
        context.backbones.weights.require(context.backbones.row(spec.name))
    else:
        job.publish(DownloadProgress(name=spec.name, total_bytes=request.size_bytes, steps=100))
        size = yield context.pool.submit_download(_fetch, job, spec.name, request)
    return DownloadProgress(
        name=spec.name,
        received_bytes=size or 0,
        total_bytes=size,
        step=100,
        steps=100,
        is_ready=True,
    )


def _fetch(job: Job[Download], name: str, request: DownloadRequest) -> int:
    """Download in the pool's thread; the size of the file in bytes."""
    path = fetch(request, report=_Progress(job, name), check=job.check)
    return path.stat().st_size


class _Progress:
    """Publishes a job's progress, a few times a second at most."""

    def __init__(self, job: Job, name: str) -> None:
        self._job = job
        self._name = name
        self._started: tuple[float, int] | None = None  # time and bytes at the first report
        self._due = 0.0

    def __call__(self, received: int, total: int | None) -> None:
        now = time.monotonic()
        if self._started is None or received < self._started[1]:  # the first, or starting over
            self._started = (now, received)
        if now < self._due and received != total:
            return
        self._due = now + PUBLISH_EVERY_S
        elapsed = now - self._started[0]
        self._job.publish(
            DownloadProgress(
                name=self._name,
                received_bytes=received,
                total_bytes=total,
                bytes_per_s=(received - self._started[1]) / elapsed if elapsed else 0.0,
                step=min(100 * received // total, 100) if total else 0,
                steps=100,
            )
        )
