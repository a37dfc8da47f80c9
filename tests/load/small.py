"""The smallest server: memory with eight visitors at everything at once, pages on half a core.

The app is in a control group with little memory; where pages are timed, beside programs that keep
the cores busy. The group's memory counts files that are read, of which the system drops what it
needs at the limit. Needs Linux, and the right to make control groups.
"""

import argparse
import base64
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import psutil

from tests.app_process import AppProcess, app_process
from tests.hostile import photo, saved
from tests.load.guests import Person
from tests.load.limits import Group, limited
from tests.load.scenes import NETWORKS
from tests.websocket_client import Visitor

PAGES = ["backbones", "feature_maps", "why", "teach", "ideal", "attack", "path", ""]
# by page: choices, as a link holds them, and the buttons to press, where they are there
ERRANDS: list[tuple[str, str, tuple[str, ...]]] = [
    ("ideal", "way=ladder&steps=256", ("start",)),
    ("teach", "dataset=digits&mode=head,last-block,full,scratch,pixels", ("start",)),
    ("attack", "ensemble=1&confidence=0.99&steps=256", ("start",)),
    ("feature_maps", "map_of=digits&compare=layer", ()),
    ("ideal", "goal=several&steps=256", ("start",)),
    ("why", "methods=gradcam,integrated_gradients,occlusion&ig_steps=128", ()),
    ("teach", "dataset=faces&mode=full&trick_batch_size=128", ("start_budget", "start")),
    ("attack", "sample=sample:cat", ("start_smallest", "start")),
    ("backbones", "", ()),
]


@dataclass
class Busy(Person):
    """Somebody who does everything that the pages offer, one after the other."""

    number: int = 0
    errand_s: float = 20.0
    done: int = 0

    def visit(self, visitor: Visitor) -> None:
        """Go from errand to errand, each with a large photograph of one's own."""
        place = self.number % len(ERRANDS)
        for page, query, buttons in cycle(ERRANDS[place:] + ERRANDS[:place]):
            network = NETWORKS[(self.number + self.done) % len(NETWORKS)]
            visitor.open(page, f"backbone={network}&seed={self.number}&{query}")
            self._drop_photo(visitor)
            for key in buttons:
                if key in visitor.widgets:
                    visitor.press(key)
            ends_at = time.monotonic() + self.errand_s
            while time.monotonic() < ends_at:
                visitor.poll()
                if self.left.wait(1.0):
                    return
            self.done += 1

    def _drop_photo(self, visitor: Visitor) -> None:
        """Another one each time, as large as a browser sends it."""
        if "photo" in visitor.widgets:
            picture = photo(1600, 1200 - 8 * self.number - self.done)
            data = base64.b64encode(saved(picture, "JPEG", quality=92)).decode()
            visitor.tell_component("photo", "sent", {"number": self.done + 1, "data": data})


def memory(app: AppProcess, group: Group, visitors: int, seconds: float) -> None:
    """Print what the app uses while visitors do everything at once."""
    people = [Busy(app.url, number=number) for number in range(visitors)]
    process, most, end = psutil.Process(app.process.pid), 0, time.monotonic() + seconds
    for person in people:
        person.come()
    while time.monotonic() < end and app.process.poll() is None:
        most = max(most, process.memory_info().rss // 2**20)
        time.sleep(0.2)
    print(
        f"{visitors} visitors, {sum(person.done for person in people)} errands: process at most "
        f"{most:,} MB, control group at most {group.peak_mb():,} MB, killed {group.killed()}"
    )
    for person in people:
        person.leave()


def pages(app: AppProcess, rounds: int) -> None:
    """Print how long a page takes, once each was opened before."""
    times: dict[str, list[float]] = {page: [] for page in PAGES}
    with Visitor(app.url) as visitor:
        for number in range(rounds + 1):
            for page in PAGES:
                begin = time.monotonic()
                visitor.open(page)
                if number:
                    times[page].append(time.monotonic() - begin)
    for page, found in times.items():
        print(
            f"{page or 'home':<14} median {statistics.median(found):.2f} s, "
            f"slowest {max(found):.2f} s"
        )


@contextmanager
def busy_neighbours(count: int) -> Iterator[None]:
    """Programs that keep so many cores busy."""
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def main() -> int:
    """Print both measurements."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.small", description=__doc__)
    parser.add_argument("--memory-mb", type=int, default=1800)
    parser.add_argument("--cores", type=float, default=0.5, help="for the pages")
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rounds", type=int, default=5, help="how often each page is opened")
    options = parser.parse_args()
    for is_of_memory in (True, False):
        with ExitStack() as stack:
            cores = 0 if is_of_memory else options.cores
            group = stack.enter_context(limited(memory_mb=options.memory_mb, cores=cores))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if not is_of_memory:
                stack.enter_context(busy_neighbours(psutil.cpu_count() or 1))
            begin = time.monotonic()
            app = stack.enter_context(app_process(folder, prepare=group.join, TL_PROFILE="cloud"))
            if is_of_memory:
                memory(app, group, options.visitors, options.seconds)
            else:
                with Visitor(app.url) as visitor:
                    visitor.open()
                print(f"from the start to the first page {time.monotonic() - begin:.1f} s")
                pages(app, options.rounds)
            if app.has_failed():
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
