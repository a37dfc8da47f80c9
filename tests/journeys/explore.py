"""Let random visitors walk, and tell what they have found."""

import random

from pages.languages import SOURCE
from tests.journeys.shrink import as_python, headline_of, shrunk
from tests.journeys.visitor import Broken, Trail, Walk, stroll
from tl_core.lab import Lab


def explore(
    lab: Lab, seed: int, actions: int, *, shrink_s: float = 60.0, language: str = SOURCE
) -> None:
    """Walk at random, beginning in this language.

    Raises:
        AssertionError: If something does not hold; with the seed and the shortest trail found.
    """
    trail: Trail = []
    try:
        with Walk(lab, language) as walk:
            for action in stroll(walk, random.Random(seed), actions):
                trail.append(action)
    except Broken as found:
        raise AssertionError(_report(lab, seed, trail, found, shrink_s)) from found


def _report(lab: Lab, seed: int, trail: Trail, found: Broken, shrink_s: float) -> str:
    def is_found(shorter: Trail) -> bool:
        return headline_of(lab, shorter) == found.headline

    tells = [f"seed {seed}, action {len(trail)}: {found}"]
    if is_found(trail):
        trail = shrunk(trail, is_found, budget_s=shrink_s)
        tells.append(f"The shortest trail that was found, {len(trail)} actions:")
    else:
        tells.append("It was not found again on the same trail, so this is all of it:")
    return "\n".join([*tells, as_python(trail)])
