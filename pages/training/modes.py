"""What the page says of each mode of training: its colour, and figures as text."""

from pages.shared.charts import palette
from pages.shared.words import _
from tl_core.lab import Job
from tl_core.training.spec import MODES, FineTuneSnapshot

_SMALL = 25  # photographs in a test: one is worth more than four points
TOP3_FROM = 6  # classes; with fewer, three guesses say little


def colours() -> dict[str, str]:
    """The colour of each mode, by its key."""
    return dict(zip((row.key for row in MODES), palette(), strict=False))


def snapshot_of(job: Job) -> FineTuneSnapshot | None:
    """The newest snapshot of a job, once it has one."""
    return job.snapshot if isinstance(job.snapshot, FineTuneSnapshot) else None


def small_test(count: int) -> str:
    """How far one photograph moves the figure, where the test is small; else nothing."""
    if not 0 < count < _SMALL:
        return ""
    words = _(
        "A small validation set: only {count} photographs. One more or less right moves "
        "the figure by {points:.0f} points."
    )
    return words.format(count=count, points=100 / count)


def interval_words(interval: tuple[float, float]) -> str:
    low, high = (100 * bound for bound in interval)
    return _("{low:.1f} – {high:.1f} %").format(low=low, high=high)
