"""Who comes in each scene, and what is measured of them."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import psutil

from tests.app_process import AppProcess
from tests.load.guests import Asker, Guest, Person
from tests.websocket_client import Visitor
from tl_core.images.samples import SAMPLES

NETWORKS = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
_GATHER_S = 1.5  # in which everybody presses Start
_MEGABYTE = 2**20


@dataclass(frozen=True)
class Figures:
    """What a scene cost and gave."""

    scene: str
    picture_steps_per_s: float  # of all guests together
    slowest: float
    fastest: float
    first_picture_s: float  # the last guest's
    poll_p50_ms: float
    poll_p95_ms: float
    answer_p50_s: float  # of a question on another page, the page included
    answer_p95_s: float
    kb_per_s: float  # received by a guest
    app_cores: float  # that the app kept busy
    machines_cores: float  # the same of a cluster's processes
    guests_cores: float  # that the guests took from it, on this same machine
    memory_mb: float  # of the app, at the end

    def line(self) -> str:
        """One row of the table."""
        return " | ".join(f"{v:,.1f}" if isinstance(v, float) else v for v in asdict(self).values())


def alike(url: str, count: int) -> list[Guest]:
    """Guests who all draw ideal images on the usual network, each another one."""
    return [Guest(url, query=f"seed={seed}&steps=1024") for seed in range(count)]


def mixed(url: str) -> list[Guest]:
    """Thirty-two guests on three pages, with three networks of three sizes."""
    pages = [("ideal", "steps=1024")] * 4 + [("attack", "steps=1024&confidence=1&epsilon=1")] * 2
    pages += [("teach", "dataset=digits&trick_epochs=100&mode=full&photos_per_class=0")] * 2
    return [
        Guest(url, page, f"backbone={NETWORKS[place % 3]}&seed={place}&{query}")
        for place, (page, query) in enumerate(4 * pages)
    ]


def play(name: str, app: AppProcess, guests: Sequence[Guest], seconds: float) -> Figures:
    """Have the guests come within a moment, watch for a while, and send them home.

    Raises:
        RuntimeError: If one of them met an error.
    """
    asker = Asker(app.url, [row.key for row in SAMPLES], NETWORKS)
    for guest in guests:
        guest.come()
        time.sleep(_GATHER_S / len(guests))
    asker.come()
    drawing = [guest for guest in guests if guest.page == "ideal"]
    while any(guest.first_picture_s is None and guest.error is None for guest in drawing):
        time.sleep(0.1)
    process, here = psutil.Process(app.process.pid), psutil.Process()
    begin, before = time.monotonic(), [guest.received for guest in guests]
    busy = busy_s(process), busy_s(*process.children(recursive=True)), busy_s(here)
    counted = [len(guest.polls_s) for guest in guests]
    time.sleep(seconds)
    end = time.monotonic()
    memory = process.memory_info().rss / _MEGABYTE
    machines_s = busy_s(*process.children(recursive=True)) - busy[1]
    app_s, guests_s = busy_s(process) - busy[0], busy_s(here) - busy[2]
    received = sum(g.received - first for g, first in zip(guests, before, strict=True))
    polls = [s for g, first in zip(guests, counted, strict=True) for s in g.polls_s[first:]]
    people: list[Person] = [*guests, asker]
    for person in people:
        person.leave()
    speeds = [guest.speed(begin, end) for guest in guests]
    of_drawing = [guest.speed(begin, end) for guest in drawing]
    return Figures(
        name,
        picture_steps_per_s=sum(speeds),
        slowest=min(of_drawing),
        fastest=max(of_drawing),
        first_picture_s=max(guest.first_picture_s or 0.0 for guest in drawing),
        poll_p50_ms=1000 * share(polls, 50),
        poll_p95_ms=1000 * share(polls, 95),
        answer_p50_s=share(asker.answers_s, 50),
        answer_p95_s=share(asker.answers_s, 95),
        kb_per_s=received / 1000 / (end - begin) / len(guests),
        app_cores=app_s / (end - begin),
        machines_cores=machines_s / (end - begin),
        guests_cores=guests_s / (end - begin),
        memory_mb=memory,
    )


def busy_s(*processes: psutil.Process) -> float:
    """The processor time that processes have taken so far."""
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def warm_up(url: str) -> None:
    """Have somebody draw a little and go, so that networks and modules are loaded."""
    with Visitor(url).open("ideal", "steps=10") as visitor:
        visitor.press("start").wait_for("step 10 of 10")


def share(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent of them do not exceed."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
