"""The soak in a table."""

from tests.soak.soak import HELD, Look, Soak
from tests.soak.trend import Trend, trend

MUST_NOT_GROW = ("USS MB", "malloc in use MB", "threads", "file handles", "temporary files")
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
    "downloads",
    "photographs",
    "own models",
)


def trends(soak: Soak) -> dict[str, Trend]:
    """How figures grew from one time that all had gone to the next, the warm-up left out."""
    return {
        name: trend(soak.visits[1:], [look[name] for look in soak.gone[1:]])
        for name in MUST_NOT_GROW
        if name in soak.gone[0]  # malloc's are glibc's alone
    }


def table(soak: Soak, grown: dict[str, Trend]) -> str:
    """Markdown: what must not grow, then what else was counted."""
    times = " | ".join(f"all gone after {visits} visits" for visits in soak.visits)
    lines = [
        f"| figure | while people are here, mean | {times} | growth with a visit, 95 % interval |",
        "|---" * (len(soak.visits) + 3) + "|",
    ]
    kept = sorted(name for name in soak.gone[0] if name.startswith("kept: "))
    for name in (*MUST_NOT_GROW, *_ALSO_SHOWN, *kept):
        if name in soak.gone[0]:
            gone = " | ".join(f"{look[name]:,.1f}" for look in soak.gone)
            found = grown.get(name)
            slope = f"{found.slope:+.3f} ({found.low:+.3f} to {found.high:+.3f})" if found else ""
            lines.append(f"| {name} | {_mean(soak.looks, name):,.1f} | {gone} | {slope} |")
    did = ", ".join(f"{name} {count}" for name, count in sorted(soak.did.items()))
    left_of = ", ".join(f"{name} {count:g}" for name, count in soak.remains.items())
    lines += ["", f"Done: {did}.", f"Left: {left_of or 'nothing of ' + ', '.join(HELD)}."]
    return "\n".join(lines)


def faults(soak: Soak, grown: dict[str, Trend]) -> list[str]:
    """What is wrong, a sentence each."""
    found = [f"{name} grows" for name, one in grown.items() if one.grows]
    found += [f"{count:g} {name} are left" for name, count in soak.remains.items()]
    return found + ["there is a traceback in the log"] * ("Traceback" in soak.log)


def _mean(looks: list[Look], name: str) -> float:
    return sum(look[name] for look in looks) / len(looks)
