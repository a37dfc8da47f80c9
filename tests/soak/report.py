"""The soak in a table."""

from tests.soak.soak import HELD, Soak
from tests.soak.trend import Trend, trend

MUST_NOT_GROW = ("USS MB", "malloc in use MB", "threads", "file handles", "temporary files")
_SETTLE_BLOCKS = 3  # until as much is there as will be on average
_ALSO_SHOWN = (
    "threads of pools",
    "RSS MB",
    "malloc free MB",
    "Python blocks, thousands",
    "files",
    "visits",
    "open jobs",
    "jobs paused",
    "tabs",
    "sessions",
    "media files",
    "photographs",
    "own models",
)
_HEAD = """| figure | at first | at the end | an hour's growth, 95 % interval \
| all gone, after the warm-up | all gone, at the end | difference a visit |
|---|---|---|---|---|---|---|"""


def trends(soak: Soak, block_s: float) -> dict[str, Trend]:
    """How every figure grew, once everybody had come."""
    begin_s = min(_SETTLE_BLOCKS * block_s, soak.looks[-1][0] / 4)
    steady = [(at, look) for at, look in soak.looks if at >= begin_s]
    times, looks = [at for at, _ in steady], [look for _, look in steady]
    return {name: trend(times, [look[name] for look in looks], block_s) for name in looks[0]}


def table(soak: Soak, grown: dict[str, Trend], block_s: float) -> str:
    """Markdown: what must not grow, then what else was counted."""
    lines = [_HEAD]
    first, last = _mean(soak, block_s, block_s), _mean(soak, soak.looks[-1][0] - block_s, block_s)
    kept = sorted(name for name in soak.left if name.startswith("kept: "))
    for name in (*MUST_NOT_GROW, *_ALSO_SHOWN, *kept):
        if name not in grown:
            continue  # another malloc than glibc's
        found, quiet, left = grown[name], soak.quiet[name], soak.left[name]
        lines.append(
            f"| {name} | {first[name]:,.1f} | {last[name]:,.1f} "
            f"| {found.per_hour:+,.1f} ({found.low:+,.1f} to {found.high:+,.1f}) "
            f"| {quiet:,.1f} | {left:,.1f} | {(left - quiet) / soak.did['visits']:+.3f} |"
        )
    did = ", ".join(f"{name} {count}" for name, count in sorted(soak.did.items()))
    left_of = ", ".join(f"{name} {count:g}" for name, count in soak.remains.items())
    lines += ["", f"Done: {did}.", f"Left: {left_of or 'nothing of ' + ', '.join(HELD)}."]
    return "\n".join(lines)


def faults(soak: Soak, grown: dict[str, Trend]) -> list[str]:
    """What is wrong, a sentence each."""
    found = [f"{name} grows" for name in MUST_NOT_GROW if name in grown and grown[name].grows]
    found += [f"{count:g} {name} are left" for name, count in soak.remains.items()]
    return found + ["there is a traceback in the log"] * ("Traceback" in soak.log)


def _mean(soak: Soak, begin_s: float, block_s: float) -> dict[str, float]:
    looks = [look for at, look in soak.looks if begin_s <= at < begin_s + block_s]
    return {name: sum(look[name] for look in looks) / len(looks) for name in looks[0]}
