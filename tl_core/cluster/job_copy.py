"""An app server's copy of a job that a machine runs: it is as the newest news say."""

import time
from dataclasses import replace

from tl_core.cluster.messages import JobNews
from tl_core.engine.job import BROKEN, Job, JobState
from tl_core.errors import UserError


def show(job: Job, news: JobNews) -> None:
    """Let this app server's copy of a job be as the machine's is."""
    job.state = news.state
    job.position = news.position
    job.held_bytes = news.held_bytes
    _publish(job, news)


def _publish(job: Job, news: JobNews) -> None:
    """Show what a machine shows, and since when; what it had said of a film is kept here."""
    if news.seconds is not None:
        job.started_at = time.monotonic() - news.seconds - job.paused_s
    snapshot = news.snapshot
    if snapshot is not None and news.frames_from:
        known = getattr(job.snapshot, "frames", ())[: news.frames_from]
        snapshot = replace(snapshot, frames=known + snapshot.frames)  # type: ignore[attr-defined,call-arg]
    if snapshot is not None:
        job.publish(snapshot)


def end(job: Job, news: JobNews) -> None:
    """End a job as it ended on its machine."""
    _publish(job, news)
    if news.state is JobState.DONE:
        job.finish(None)
    elif news.state is JobState.FAILED:
        job.fail(news.error or UserError(BROKEN))
    else:
        job.mark_cancelled()
