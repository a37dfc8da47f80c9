"""The shortest trail that still leads to what was found."""

import time
from collections.abc import Callable

from tests.journeys.visitor import Action, Broken, Trail, Walk
from tl_core.lab import Lab


def headline_of(lab: Lab, trail: Trail) -> str:
    """What is found on the trail, by its headline; "" for nothing."""
    try:
        follow(lab, trail)
    except Broken as found:
        return found.headline
    return ""


def follow(lab: Lab, trail: Trail) -> None:
    """Walk along a trail; what cannot be done any more is left out.

    Raises:
        Broken: If something does not hold on the way.
    """
    with Walk(lab) as walk:
        for action in trail:
            walk.do(Action(*action))


def shrunk(trail: Trail, is_found: Callable[[Trail], bool], *, budget_s: float) -> Trail:
    """Leave out as many actions as possible for at most ``budget_s``.

    First what most often does not matter: the other tab, then all but the last few actions. Then
    smaller and smaller parts, wherever they are.
    """
    end = time.monotonic() + budget_s
    same_tab = [action for action in trail if action.tab == trail[-1].tab]
    if len(same_tab) < len(trail) and is_found(same_tab):
        trail = same_tab
    for count in (2, 4, 8, 16, 32):
        if count < len(trail) and time.monotonic() < end and is_found(trail[-count:]):
            trail = trail[-count:]
            break
    size = max(len(trail) // 2, 1)
    while size:
        place = 0
        while place < len(trail) - 1 and time.monotonic() < end:
            shorter = trail[:place] + trail[place + size :]
            if shorter and is_found(shorter):
                trail = shorter
            else:
                place += size
        size //= 2
    return trail


def as_python(trail: Trail) -> str:
    """The trail as it is written in a test."""
    lines = "\n".join(f"        {tuple(action)!r}," for action in trail)
    return f"    trail = [\n{lines}\n    ]\n"
