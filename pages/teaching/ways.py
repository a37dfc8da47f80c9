"""The ways to teach: their names, their colours, and figures as text."""

from pages.shared.charts import palette
from tl_core.lab import Job
from tl_core.specs import MODES, FineTuneSnapshot

WAYS = {row.key: row.label for row in MODES}
SHORT = {
    "head": "New head",
    "last-block": "Last block",
    "full": "Everything",
    "scratch": "Random weights",
    "pixels": "Raw pixels",
}  # on the buttons
TOP3_FROM = 6  # classes; with fewer, three guesses say little


def colours() -> dict[str, str]:
    """The colour of each way, by its key."""
    return dict(zip(WAYS, palette(), strict=False))


def snapshot_of(job: Job) -> FineTuneSnapshot | None:
    """The newest snapshot of a job, once it has one."""
    return job.snapshot if isinstance(job.snapshot, FineTuneSnapshot) else None


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def interval_words(interval: tuple[float, float]) -> str:
    low, high = (100 * bound for bound in interval)
    return f"{low:.1f} – {high:.1f} %"
