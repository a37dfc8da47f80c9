"""How soon newcomers see a first picture in a lab that others fill.

In the profile cloud beside two visitors with two long runs each, on four networks and pages; in the
profile server after as many visitors as there are newcomers have closed their tabs in mid-run.
"""

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.app_process import ROOT, AppProcess, app_process
from tests.load.guests import Guest, Person
from tests.load.scenes import NETWORKS, alike, warm_up
from tests.websocket_client import Visitor

_LONG = [
    ("ideal", "steps=1024"),
    ("teach", "dataset=digits&trick_epochs=100&mode=full&photos_per_class=0"),
]
_SETTLED_S = 8.0  # in which everybody's first runs are under way
_PATIENCE_S = 120.0


@dataclass
class Hog(Person):
    """Somebody with a run on each of two pages."""

    number: int = 0

    def visit(self, visitor: Visitor) -> None:
        """Begin both, then look at the second."""
        for place, (page, query) in enumerate(_LONG):
            network = NETWORKS[(self.number + place) % len(NETWORKS)]
            visitor.open(page, f"backbone={network}&{query}")
            visitor.press("start")
        while not self.left.wait(0.5):
            visitor.poll()


def beside_hogs(app: AppProcess) -> list[float]:
    """Seconds to the first picture of one newcomer beside two hogs."""
    hogs = [Hog(app.url, number=number) for number in range(2)]
    for hog in hogs:
        hog.come()
    time.sleep(_SETTLED_S)
    newcomer = Guest(app.url, query=f"backbone={NETWORKS[2]}&steps=64&seed=9")
    found = first_pictures([newcomer])
    for hog in hogs:
        hog.leave()
    return found


def after_others_left(app: AppProcess, count: int) -> list[float]:
    """Seconds to the first pictures of so many, who come when as many have just left."""
    others = alike(app.url, count)
    for guest in others:
        guest.come()
    time.sleep(_SETTLED_S)
    for guest in others:
        guest.left.set()
    for guest in others:
        guest.leave()
    return first_pictures([Guest(app.url, query=f"seed={n}&steps=1024") for n in range(count)])


def first_pictures(newcomers: list[Guest]) -> list[float]:
    """Have them come, and leave once each has seen one or patience ends."""
    for guest in newcomers:
        guest.come()
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and any(guest.first_picture_s is None for guest in newcomers):
        time.sleep(0.1)
    for guest in newcomers:
        guest.leave()
    return [guest.first_picture_s or float("inf") for guest in newcomers]


def main() -> int:
    """Print a line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.newcomers", description=__doc__)
    parser.add_argument("--count", type=int, default=64, help="newcomers in the profile server")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout that is measured")
    options = parser.parse_args()
    for profile in ("cloud", "server"):
        with (
            tempfile.TemporaryDirectory() as folder,
            app_process(Path(folder), root=options.root, TL_PROFILE=profile) as app,
        ):
            warm_up(app.url)
            is_cloud = profile == "cloud"
            found = beside_hogs(app) if is_cloud else after_others_left(app, options.count)
            print(
                f"{profile}: {len(found)} newcomers, first picture after "
                f"{statistics.median(found):.1f} s (median), {max(found):.1f} s (last)",
                flush=True,
            )
            if app.has_failed():
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
