"""How long a class waits on so many app servers and machines: a simulation, no measurement.

Everybody comes within a moment, opens a page, draws a picture and watches it; an app server serves
pages and polls one after the other, a machine turns its batches in slices, as the lab's scheduler
does. ``python -m tl_core bench scale`` prints docs/scale.md's table; with ``--check`` it plays what
``make load`` measures, so that both can be compared.
"""

import argparse
import math
import random
import statistics
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import simpy

SLICE_S = 0.1
POLLS = ((4, 0.5), (8, 1.0), (math.inf, 2.0))  # seconds between polls, with so many runs
_SAMPLE = 2000  # visitors who stand for more


@dataclass(frozen=True)
class Kind:
    """A machine: seconds of a step by pictures in the batch, and how many a batch takes."""

    name: str
    points: tuple[tuple[int, float], ...]  # (pictures, seconds) as measured
    room: int
    showing: float = 0.1  # share of its time for showing pictures

    def step_s(self, pictures: int) -> float:
        """Between the measured points on a line in logarithms; beyond them in proportion."""
        points = self.points
        for (n, s), (more, longer) in pairwise(points):
            if pictures <= more:
                share = math.log(pictures / n) / math.log(more / n)
                return s * (longer / s) ** share
        n, s = points[-1]
        return s * pictures / n


@dataclass(frozen=True)
class Plan:
    """What serves whom."""

    visitors: int
    app_servers: int
    machines: int
    kind: Kind
    steps: int = 256
    within_s: float = 20.0
    poll_cpu_s: float = 0.0122  # of an app server's core
    page_cpu_s: float = 0.05
    start_cpu_s: float = 0.09
    shared_cores: int = 0  # that app and machine share; 0: they have their own


@dataclass(eq=False)
class Picture:
    """One visitor's, on its machine."""

    steps: int
    step: int = 0
    first_at: float | None = None
    done_at: float | None = None


@dataclass(eq=False)
class Machine:
    """Turns its batches; each visitor is charged for their share, the least charged are next."""

    env: simpy.Environment
    kind: Kind
    slowed: Callable[[], float]
    batches: list[list[Picture]] = field(default_factory=list)
    charged: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._news = self.env.event()
        self.env.process(self._work())

    @property
    def pictures(self) -> int:
        return sum(map(len, self.batches))

    def take(self, picture: Picture) -> None:
        """Let a picture join the fullest batch with room, or begin one."""
        open_ = [batch for batch in self.batches if len(batch) < self.kind.room]
        if open_:
            max(open_, key=len).append(picture)
        else:
            self.batches.append([picture])
        least = min((self.charged[id(p)] for b in self.batches for p in b), default=0)
        self.charged[id(picture)] = least
        self._news.succeed()
        self._news = self.env.event()

    def _work(self) -> Generator[Any, Any, None]:
        while True:
            if not self.batches:
                yield self._news
                continue
            batch = min(self.batches, key=lambda b: sum(self.charged[id(p)] for p in b) / len(b))
            pictures = list(batch)
            step_s = self.kind.step_s(len(pictures)) / (1 - self.kind.showing) * self.slowed()
            steps = max(int(SLICE_S / step_s), 1)
            yield self.env.timeout(steps * step_s)
            for picture in pictures:
                self.charged[id(picture)] += steps * step_s / len(pictures)  # type: ignore[assignment]
                picture.step = min(picture.step + steps, picture.steps)
                picture.first_at = picture.first_at or self.env.now
                if picture.step >= picture.steps:
                    picture.done_at = self.env.now
                    batch.remove(picture)
            self.batches = [b for b in self.batches if b]


@dataclass
class Found:
    """Seconds, of each visitor or poll."""

    pages: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)  # since Start
    dones: list[float] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)
    steps_per_s: float = 0.0  # of all machines, while everybody was drawing


def simulate(plan: Plan, *, seed: int = 0, until_s: float = math.inf) -> Found:
    """Play a plan; of more than ``_SAMPLE`` visitors a part with the same proportions."""
    part = max(1, round(plan.visitors / _SAMPLE))
    chance, env, found = random.Random(seed), simpy.Environment(), Found()
    visitors = plan.visitors // part
    servers = [simpy.Resource(env) for _ in range(max(1, round(plan.app_servers / part)))]
    busy = [0.0]  # core-seconds that app servers have taken so far

    def slowed() -> float:
        """How much longer a step takes beside an app server on the same cores."""
        if not plan.shared_cores or not env.now:
            return 1.0
        left = 1 - busy[0] / env.now / plan.shared_cores
        return 1 / max(left, 0.1)

    machines = [Machine(env, plan.kind, slowed) for _ in range(max(1, round(plan.machines / part)))]
    pictures: list[Picture] = []

    def serve(server: simpy.Resource, cpu_s: float) -> Generator[Any, Any, None]:
        with server.request() as turn:
            yield turn
            yield env.timeout(cpu_s)
            busy[0] += cpu_s

    def visitor(place: int) -> Generator[Any, Any, None]:
        yield env.timeout(chance.uniform(0, plan.within_s))
        server, begin = servers[place % len(servers)], env.now
        yield from serve(server, plan.page_cpu_s)
        found.pages.append(env.now - begin)
        start = env.now
        yield from serve(server, plan.start_cpu_s)
        picture = Picture(plan.steps)
        pictures.append(picture)
        min(machines, key=lambda machine: machine.pictures).take(picture)
        mates = visitors / len(servers)
        interval = next(seconds for most, seconds in POLLS if mates <= most)
        has_seen = False
        while picture.done_at is None:
            yield env.timeout(interval)
            begin = env.now
            yield from serve(server, plan.poll_cpu_s)
            found.polls.append(env.now - begin)
            if not has_seen and picture.first_at is not None and picture.first_at <= begin:
                has_seen = True
                found.firsts.append(env.now - start)
        found.dones.append(env.now - start)

    for place in range(visitors):
        env.process(visitor(place))
    if until_s < math.inf:
        env.run(until=plan.within_s)
        before = sum(picture.step for picture in pictures)
        env.run(until=plan.within_s + until_s)
        found.steps_per_s = (sum(picture.step for picture in pictures) - before) / until_s
    else:
        env.run(until=3600)
    return found


def share(values: Sequence[float], percent: int) -> float:
    """A percentile; infinite where there is none."""
    if len(values) < 2:
        return values[0] if values else math.inf
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


# Machines of docs/measured.md; those of an H100 are of a bare step, not of this lab
D = Kind("two cores (D)", ((1, 1 / 27), (8, 8 / 73)), room=8)
E = Kind("two cores (E)", ((1, 1 / 13.3), (8, 8 / 21)), room=8)
H100 = Kind("H100", ((1, 0.0116), (8, 0.0126), (32, 0.0139)), room=32)

PLANS = (
    Plan(32, 1, 1, E),
    Plan(32, 1, 4, E),
    Plan(500, 5, 64, D),
    Plan(500, 5, 1, H100),
    Plan(500, 5, 2, H100),
    Plan(500, 10, 2, H100),
    Plan(500, 3, 2, H100),
    Plan(10_000, 100, 40, H100),
    Plan(100_000, 1000, 400, H100),
)


def main(arguments: Sequence[str]) -> int:
    """Print a row for each plan."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench scale", description=__doc__)
    parser.add_argument(
        "--check",
        nargs=2,
        type=float,
        metavar=("ONE", "EIGHT"),
        help="play make load, with so many picture-steps a second of one and of eight pictures",
    )
    options = parser.parse_args(arguments)
    if options.check:
        one, eight = options.check
        kind = Kind("as measured", ((1, 1 / one), (8, 8 / eight)), room=8)
        for visitors in (1, 8, 32):
            plan = Plan(visitors, 1, 1, kind, steps=1024, within_s=1.5, shared_cores=2)
            found = simulate(plan, until_s=30)
            print(
                f"{visitors} visitors: {found.steps_per_s:.1f} picture-steps a second, "
                f"first picture of the last after {max(found.firsts, default=math.inf):.1f} s"
            )
        return 0
    print("visitors | app servers | machines | page 95 % | first picture 50 % / 95 % | done 95 %")
    for plan in PLANS:
        found = simulate(plan)
        print(
            f"{plan.visitors:,} | {plan.app_servers:,} | {plan.machines:,} × {plan.kind.name} | "
            f"{share(found.pages, 95):.1f} s | {share(found.firsts, 50):.1f} s / "
            f"{share(found.firsts, 95):.1f} s | {share(found.dones, 95):.0f} s"
        )
    return 0
