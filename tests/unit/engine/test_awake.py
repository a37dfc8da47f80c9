"""A lid closed for an hour, a paused container, a clock set by hand: nobody is sent away."""

import ast
from pathlib import Path

from tests.unit.engine.test_presence import Watched
from tests.unit.engine.test_worker import WAIT_S, Bench
from tl_core.engine.awake import TICK_S, AwakeClock

ROOT = Path(__file__).parents[3]
HOUR_S = 3600.0


class Machine:
    """A machine whose clock goes on while it sleeps."""

    def __init__(self) -> None:
        self.now = 5.0
        self.awake = AwakeClock(lambda: self.now)

    def wait(self, seconds: float) -> float:
        """Let time pass, the clock being read as the lab does; what it says then."""
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            self.awake()
        return self.awake()


def test_time_asleep_does_not_count_and_time_awake_does() -> None:
    machine = Machine()
    start = machine.awake()
    assert machine.wait(100) - start == 100
    machine.now += HOUR_S
    assert machine.awake() - start == 100 + TICK_S
    assert machine.wait(50) - start == 150 + TICK_S


def test_a_busy_machine_that_reads_its_clock_late_is_not_asleep() -> None:
    machine = Machine()
    start = machine.awake()
    machine.now += 9
    assert machine.awake() - start == 9


def test_after_an_hour_of_sleep_visits_go_on_and_end_as_ever() -> None:
    machine, watched = Machine(), Watched()
    watched.visits._clock = machine.awake
    watched.visits.touch("ann")
    machine.now += HOUR_S
    watched.visits.reap()
    assert watched.news == []
    assert watched.visits.resume("ann")
    machine.wait(91)
    watched.visits.reap()
    assert watched.news == [("away", "ann")]


def test_a_slice_that_slept_with_the_machine_does_not_count_as_hanging() -> None:
    machine = Machine()
    with Bench(clock=machine.awake) as bench:
        job = bench.submit("hangs")
        assert bench.is_inside.wait(WAIT_S)
        machine.now += HOUR_S
        assert bench.worker.trouble() is None
        machine.wait(121)
        assert "has not answered" in str(bench.worker.trouble())
        bench.gate.set()
        assert job.wait(WAIT_S)


def test_nothing_that_lasts_depends_on_the_time_of_day() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("tl_core", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow")
    }
    # how old a killed writer's file is, beside its lock; dates and times that are shown
    shown = {"pages/path/report.py", "pages/training/model_names.py"}
    assert readers == {"tl_core/machine/files.py", *shown}
