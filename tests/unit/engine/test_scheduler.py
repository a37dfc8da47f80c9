import dataclasses
import itertools
import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from tl_core.engine.job import Job, JobCancelled, JobState
from tl_core.engine.runner import Runner, SoloRunner
from tl_core.engine.scheduler import Scheduler
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.base import Snapshot, Spec

WAIT_S = 10


@dataclass(frozen=True, kw_only=True)
class Long(Spec):
    name: str = ""
    weight: float = 1.0
    controls: ClassVar[frozenset[str]] = frozenset({"weight"})

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise UserError("weight must not be negative, got {value}.", value=self.weight)


@dataclass(frozen=True, kw_only=True)
class Quick(Spec):
    name: str = ""
    is_quick: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Frame(Spec):
    name: str = ""
    is_quick: ClassVar[bool] = True
    is_live: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Shared(Spec):
    name: str = ""

    @property
    def batch_key(self) -> tuple[object, ...]:
        return ("shared", self.backbone)


@dataclass(frozen=True, kw_only=True)
class Fetching(Spec):
    uses_network: ClassVar[bool] = False


class Bench:
    """A scheduler whose worker runs in a thread, with work made of a few countable slices."""

    def __init__(self, work=None, runner=None, **limits):
        settings = Settings(data_dir=Path(), weights_dir=Path(), **limits)
        self.gate = threading.Event()  # the worker's first slice waits for this
        self.turns: list[str] = []
        self.work = work or self.three_slices
        self.scheduler = Scheduler(
            runner or (lambda job: SoloRunner(job, self.work(job))), settings
        )
        self.thread = threading.Thread(target=self.scheduler.run)

    def three_slices(self, job):
        for step in range(1, 4):
            self.turns.append(job.spec.name)
            job.publish(Snapshot(step=step, steps=3))
            yield None
        return Snapshot(step=3, steps=3)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exc):
        self.scheduler.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


def ended(job: Job) -> JobState:
    assert job.wait(WAIT_S)
    return job.state


def test_a_job_runs_to_its_end_and_keeps_its_last_snapshot():
    with Bench() as bench:
        job = bench.scheduler.submit(Long(name="a"), "ann")
        assert ended(job) is JobState.DONE
    assert job.snapshot == Snapshot(step=3, steps=3)
    assert job.position == 0


def turns(*asked):
    """Whose slices came, in their order, of jobs that wait when the worker begins."""
    bench = Bench()
    jobs = [bench.scheduler.submit(spec, owner) for spec, owner in asked]
    with bench:
        for job in jobs:
            ended(job)
    return bench.turns


def test_visitors_take_turns_however_many_runs_one_of_them_has():
    came = turns(*[(Long(name="ann"), "ann")] * 4, (Long(name="bob"), "bob"))
    assert "bob" in came[:2]
    assert came.index("bob", came.index("bob") + 1) <= 4


def test_the_runs_of_one_visitor_take_turns():
    assert turns(*((Long(name=name), "ann") for name in "abc")) == ["a", "b", "c"] * 3


def test_a_quick_question_goes_before_a_long_run():
    came = turns((Long(name="long"), "ann"), (Quick(name="quick"), "bob"))
    assert came[:3] == ["quick"] * 3


def test_quick_questions_without_end_do_not_starve_a_long_run():
    quick = [(Quick(name="quick"), f"v{number}") for number in range(20)]
    assert "long" in turns((Long(name="long"), "ann"), *quick)[:10]


def test_a_run_stands_back_for_the_next_frame_of_a_camera(monkeypatch):
    monkeypatch.setattr("tl_core.engine.scheduler._NEXT_FRAME_S", 5.0)  # a busy machine's moment

    def work(job):
        for _slice in range(1 if job.spec.is_live else 1000):
            bench.turns.append(job.spec.name)
            time.sleep(0.001 if job.spec.is_live else 0.1)
            yield None
        return Snapshot()

    with Bench(work) as bench:
        run = bench.scheduler.submit(Long(name="run"), "bob")
        for _frame in range(8):
            assert ended(bench.scheduler.submit(Frame(name="frame"), "ann")) is JobState.DONE
        run.cancel()
    turns = "".join(turn[0] for turn in bench.turns)
    assert "fff" in turns


def test_a_queued_job_knows_its_position_and_everyones_first_comes_before_anyones_second():
    bench = Bench(max_running=1)
    first, second = (bench.scheduler.submit(Long(name="ann"), "ann") for _ in range(2))
    other = bench.scheduler.submit(Long(name="bob"), "bob")
    assert (first.position, other.position, second.position) == (1, 2, 3)


def test_a_failing_job_fails_alone_with_a_readable_reason_and_a_logged_traceback(caplog):
    def broken(job):
        yield None
        raise ZeroDivisionError("secret detail")

    bench = Bench(lambda job: broken(job) if job.spec.name == "bad" else bench.three_slices(job))
    with bench, caplog.at_level(logging.ERROR):
        bad = bench.scheduler.submit(Long(name="bad"), "ann")
        good = bench.scheduler.submit(Long(name="good"), "bob")
        assert ended(bad) is JobState.FAILED
        assert ended(good) is JobState.DONE
    assert "secret detail" not in str(bad.error)
    assert "secret detail" in caplog.text


def refused(job):
    raise UserError("No cat called {name}.", name="Tom")
    yield


def refused_in_the_pool(job):
    future: Future[int] = Future()
    future.set_exception(UserError("The photograph is gone."))
    yield future


def cancelled_inside(job):
    raise JobCancelled
    yield


@pytest.mark.parametrize(
    ("work", "state", "reason"),
    [
        (refused, JobState.FAILED, "No cat called Tom."),
        (refused_in_the_pool, JobState.FAILED, "The photograph is gone."),
        (cancelled_inside, JobState.CANCELLED, "None"),
    ],
)
def test_what_the_work_or_the_pool_raises_is_how_its_job_ends(work, state, reason):
    with Bench(work) as bench:
        job = bench.scheduler.submit(Long(), "ann")
        assert ended(job) is state
    assert str(job.error) == reason


def test_a_runner_that_cannot_be_built_fails_its_job_only():
    def build(job):
        if job.spec.name == "bad":
            raise UserError("No.")
        return SoloRunner(job, bench.three_slices(job))

    bench = Bench(runner=build)
    with bench:
        assert ended(bench.scheduler.submit(Long(name="bad"), "ann")) is JobState.FAILED
        assert ended(bench.scheduler.submit(Long(name="good"), "ann")) is JobState.DONE


def endless(started: threading.Event, closed: threading.Event | None = None):
    def work(job):
        try:
            for step in range(10**9):
                job.publish(Snapshot(step=step))
                started.set()
                yield None
            return Snapshot()
        finally:
            if closed is not None:
                closed.set()

    return work


def test_cancel_takes_effect_at_the_next_slice_and_the_work_is_closed():
    started, closed = threading.Event(), threading.Event()
    with Bench(endless(started, closed)) as bench:
        job = bench.scheduler.submit(Long(), "ann")
        assert started.wait(WAIT_S)
        job.cancel()
        assert ended(job) is JobState.CANCELLED
        assert closed.wait(WAIT_S)
        assert job.snapshot is not None


def test_a_paused_job_stands_still_and_goes_on_where_it_was():
    reached, resumed = threading.Event(), threading.Event()

    def work(job):
        reached.set()
        yield None
        resumed.set()
        return Snapshot(step=2, steps=2)

    bench = Bench(work)
    job = bench.scheduler.submit(Long(name="paused"), "ann")
    job.pause()
    with bench:
        other = bench.scheduler.submit(Long(), "bob")
        assert ended(other) is JobState.DONE
        assert job.state is JobState.PAUSED
        job.resume()
        assert ended(job) is JobState.DONE


def test_a_job_paused_while_running_is_not_advanced():
    started = threading.Event()
    with Bench(endless(started)) as bench:
        job = bench.scheduler.submit(Long(), "ann")
        assert started.wait(WAIT_S)
        job.pause()
        bench.scheduler.submit(Quick(), "bob").cancel()
        while job.state is not JobState.PAUSED:
            threading.Event().wait(0.001)
        step = job.snapshot.step
        for _ in range(3):  # the worker goes round, past the paused job
            asked = bench.scheduler.submit(Quick(), "bob")
            asked.cancel()
            ended(asked)
        assert job.snapshot.step == step
        job.cancel()
        assert ended(job) is JobState.CANCELLED


def test_a_control_moved_during_a_run_reaches_the_work():
    seen = []
    moved = threading.Event()

    def work(job):
        started.set()
        moved.wait(WAIT_S)
        yield None
        seen.append(job.current.weight)
        return Snapshot()

    started = threading.Event()
    with Bench(work) as bench:
        job = bench.scheduler.submit(Long(weight=1.0), "ann")
        assert started.wait(WAIT_S)
        job.update(weight=2.5)
        moved.set()
        assert ended(job) is JobState.DONE
    assert seen == [2.5]
    assert job.spec.weight == 1.0
    with pytest.raises(UserError, match="negative"):
        job.update(weight=-1.0)
    with pytest.raises(ValueError, match="not controls"):
        job.update(name="other")


def test_a_parked_job_lets_others_work_and_gets_its_result():
    future: Future[int] = Future()

    def work(job):
        got = yield future
        return Snapshot(step=got)

    bench = Bench(lambda job: work(job) if job.spec.name == "parked" else bench.three_slices(job))
    with bench:
        parked = bench.scheduler.submit(Long(name="parked"), "ann")
        assert ended(bench.scheduler.submit(Long(), "bob")) is JobState.DONE
        assert not parked.is_over
        future.set_result(42)
        assert ended(parked) is JobState.DONE
    assert parked.snapshot.step == 42


def test_a_parked_job_can_be_cancelled():
    future: Future[int] = Future()
    parked = threading.Event()

    def work(job):
        parked.set()
        yield future
        return Snapshot()

    with Bench(work) as bench:
        job = bench.scheduler.submit(Long(), "ann")
        assert parked.wait(WAIT_S)
        job.cancel()
        assert ended(job) is JobState.CANCELLED


def test_a_paused_run_leaves_its_place_to_others():
    started = threading.Event()
    bench = Bench(max_running=1)
    bench.work = lambda job: (
        bench.three_slices(job) if job.spec.name == "bob" else endless(started)(job)
    )
    with bench:
        paused = bench.scheduler.submit(Long(name="ann"), "ann")
        assert started.wait(WAIT_S)
        paused.pause()
        assert ended(bench.scheduler.submit(Long(name="bob"), "bob")) is JobState.DONE
        assert paused.state is JobState.PAUSED


def test_a_download_takes_no_place_among_the_runs():
    parked = threading.Event()

    def waits(job):
        parked.set()
        yield Future()
        return Snapshot()

    bench = Bench(max_running=1)
    bench.work = lambda job: waits(job) if isinstance(job.spec, Fetching) else endless(parked)(job)
    with bench:
        fetching = bench.scheduler.submit(Fetching(), "ann")
        assert parked.wait(WAIT_S)
        parked.clear()
        running = bench.scheduler.submit(Long(), "bob")
        assert parked.wait(WAIT_S)
        assert (fetching.state, running.state) == (JobState.RUNNING, JobState.RUNNING)


class Carriage(Runner):
    """A batch of at most two jobs, three steps each; its state is a count per job."""

    def __init__(self, job):
        self.jobs = []
        self.steps = {}
        self.together = 0
        self.add(job)

    def has_room(self):
        return len(self.jobs) < 2

    def add(self, job):
        self.jobs.append(job)
        self.steps[job] = job.saved or 0

    def remove(self, job, *, keep):
        self.jobs.remove(job)
        job.saved = self.steps.pop(job) if keep else None
        return True

    def advance(self):
        self.together = max(self.together, len(self.jobs))
        for job in list(self.jobs):
            self.steps[job] += 1
            if self.steps[job] == 3:
                self.jobs.remove(job)
                job.finish(Snapshot(step=3))


class Tram(Carriage):
    """A batch that never ends."""

    def advance(self):
        pass


def test_jobs_with_the_same_batch_key_share_a_runner_up_to_its_room():
    runners = []

    def build(job):
        runners.append(Carriage(job))
        return runners[-1]

    bench = Bench(runner=build)
    jobs = [bench.scheduler.submit(Shared(name=str(i)), f"v{i}") for i in range(3)]
    jobs.append(bench.scheduler.submit(Shared(backbone="other"), "v9"))
    with bench:
        assert {ended(job) for job in jobs} == {JobState.DONE}
    assert [runner.together for runner in runners] == [2, 1, 1]


def test_a_run_goes_on_while_its_owner_is_served_in_a_batch_with_another(monkeypatch):
    ticks = itertools.count()  # every slice takes a second
    clock = SimpleNamespace(
        perf_counter=lambda: next(ticks),
        monotonic=time.monotonic,
        thread_time=time.thread_time,
        process_time=time.process_time,
    )
    monkeypatch.setattr("tl_core.engine.scheduler.time", clock)
    bench = Bench(endless(threading.Event()))
    scheduler = bench.scheduler
    scheduler._make_runner = lambda job: (
        Tram(job) if isinstance(job.spec, Shared) else SoloRunner(job, bench.work(job))
    )
    alone = scheduler.submit(Long(), "ann")
    scheduler.submit(Shared(), "ann")
    scheduler.submit(Shared(), "bob")
    scheduler._start_queued()
    for _ in range(40):
        runner = scheduler._next_runner()
        assert runner is not None
        scheduler._run_slice(runner)
    assert 9 <= alone.snapshot.step <= 20


def test_a_paused_member_leaves_the_batch_with_its_state_and_rejoins():
    bench = Bench(runner=Carriage)
    job = bench.scheduler.submit(Shared(), "ann")
    scheduler = bench.scheduler
    scheduler._start_queued()
    scheduler._run_slice(scheduler._next_runner())
    job.pause()
    scheduler._apply_requests()
    assert (job.state, job.saved) == (JobState.PAUSED, 1)
    assert scheduler._next_runner() is None
    job.resume()
    with bench:
        assert ended(job) is JobState.DONE


class Places:
    """A scheduler of two places, turned by hand; a run's work counts its slices and never ends."""

    def __init__(self, runner=None, max_running=2):
        self.closed = []
        bench = Bench(runner=runner or (lambda job: SoloRunner(job, self.work(job))))
        bench.scheduler._settings = dataclasses.replace(
            bench.scheduler._settings, max_running=max_running
        )
        self.scheduler = bench.scheduler

    def work(self, job):
        try:
            for step in itertools.count(1):
                job.publish(Snapshot(step=step))
                yield None
        finally:
            self.closed.append(job)

    def begin(self, owner, spec=None):
        job = self.scheduler.submit(spec or Long(name=owner), owner)
        self.turn()
        return job

    def turn(self, slices=0):
        self.scheduler._apply_requests()
        self.scheduler._start_queued()
        for _ in range(slices):
            runner = self.scheduler._next_runner()
            if runner is not None:
                self.scheduler._run_slice(runner)


def states(*jobs):
    return [str(job.state) for job in jobs]


def test_a_second_run_steps_aside_for_a_newcomers_first_and_goes_on_where_it_was():
    places = Places()
    first, second = places.begin("ann"), places.begin("ann")
    places.turn(6)
    reached = second.snapshot.step
    newcomer = places.begin("bob")
    assert states(first, second, newcomer) == ["running", "queued", "running"]
    assert second.position == 1
    places.turn(6)
    assert newcomer.snapshot.step
    assert second.snapshot.step == reached
    newcomer.cancel()
    places.turn(6)
    assert states(first, second) == ["running", "running"]
    assert second.snapshot.step > reached
    assert places.closed == [newcomer]


def test_nobodys_first_run_steps_aside():
    places = Places()
    first, other = places.begin("ann"), places.begin("bob")
    waiting = [places.begin("cid"), places.begin("ann")]
    assert states(first, other, *waiting) == ["running", "running", "queued", "queued"]


def test_a_visitors_second_run_takes_nobodys_place():
    places = Places()
    jobs = [places.begin("ann"), places.begin("ann"), places.begin("bob"), places.begin("bob")]
    assert states(*jobs) == ["running", "queued", "running", "queued"]


def test_once_a_visitors_first_run_is_over_their_second_takes_a_place_of_its_own():
    places = Places()
    first, second = places.begin("ann"), places.begin("ann")
    bob, more = places.begin("bob"), places.begin("bob")
    first.cancel()
    places.turn()
    assert states(second, bob, more) == ["running", "running", "queued"]


def test_runs_of_closed_tabs_step_aside_and_go_on_when_there_is_room():
    places = Places()
    left = [places.begin("ann"), places.begin("bob")]
    places.scheduler.note_absent({"ann", "bob"})
    newcomers = [places.begin("cid"), places.begin("dee")]
    assert states(*left, *newcomers) == ["queued", "queued", "running", "running"]
    newcomers[0].cancel()
    places.turn()
    assert sorted(states(*left)) == ["queued", "running"]
    places.scheduler.note_absent(set())  # both are back
    newcomers[1].cancel()
    places.turn()
    assert states(*left) == ["running", "running"]


def test_a_run_of_a_closed_tab_takes_nobodys_place():
    places = Places(max_running=1)
    running = places.begin("ann")
    places.scheduler.note_absent({"bob", "ann"})
    waiting = places.begin("bob")
    places.scheduler.note_absent({"bob"})
    places.turn()
    assert states(running, waiting) == ["running", "queued"]


@pytest.mark.parametrize("end", ["cancel", "leave"])
def test_a_run_that_stands_aside_can_be_stopped_and_its_work_is_closed(end):
    places = Places()
    places.begin("ann")
    second = places.begin("ann")
    places.turn(6)
    places.begin("bob")
    assert str(second.state) == "queued"
    second.cancel() if end == "cancel" else places.scheduler.leave("ann")
    places.turn()
    assert str(second.state) == "cancelled"
    assert second in places.closed


def test_a_run_that_stands_aside_can_be_paused_and_waits_again_when_it_goes_on():
    places = Places()
    places.begin("ann")
    second = places.begin("ann")
    places.turn(6)
    bob = places.begin("bob")
    second.pause()
    places.turn()
    assert str(second.state) == "paused"
    second.resume()
    places.turn()
    assert str(second.state) == "queued"
    bob.cancel()
    places.turn(4)
    assert str(second.state) == "running"
    assert second not in places.closed


def test_waiting_for_a_place_again_counts_as_a_pause(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("tl_core.engine.job.time.monotonic", lambda: now[0])
    job = Job(Long(), "ann")
    job.begin()
    now[0] += 5
    job.step_aside()
    now[0] += 60
    job.begin()
    now[0] += 5
    assert job.seconds == 10


def test_one_of_a_batch_steps_aside_with_its_state_for_one_that_joins():
    places = Places(runner=Tram, max_running=1)
    jobs = [places.begin(owner, Shared(name=owner)) for owner in ("ann", "bob")]
    places.scheduler.note_absent({"bob"})
    newcomer = places.begin("cid", Shared(name="cid"))
    assert states(*jobs, newcomer) == ["running", "queued", "running"]
    assert jobs[1].saved == 0
    assert newcomer in places.scheduler._runners[0].jobs


def test_a_whole_batch_steps_aside_only_where_all_of_it_stands_lower():
    places = Places(runner=Tram, max_running=1)
    jobs = [places.begin(owner, Shared(name=owner)) for owner in ("ann", "bob")]
    places.scheduler.note_absent({"bob"})
    newcomer = places.begin("cid", Shared(backbone="other"))
    assert states(*jobs, newcomer) == ["running", "running", "queued"]
    places.scheduler.note_absent({"ann", "bob"})
    places.turn()
    assert states(*jobs, newcomer) == ["queued", "queued", "running"]


def test_what_paused_runs_keep_is_counted_by_visitor():
    scheduler = Bench(runner=Carriage).scheduler
    jobs = [scheduler.submit(Shared(), "ann"), scheduler.submit(Long(), "ann")]
    scheduler.submit(Long(), "bob").held_bytes = 1
    for job, size in zip(jobs, (10, 20), strict=True):
        job.held_bytes = size
        job.pause()
    scheduler._apply_requests()
    assert {job.state for job in jobs} == {JobState.PAUSED}
    assert scheduler.held() == {"ann": 30, "bob": 1}


def test_a_visitor_is_refused_by_the_limits_that_the_lab_has():
    bench = Bench(max_jobs_per_visitor=2)
    for _ in range(2):
        bench.scheduler.submit(Long(), "ann")
    with pytest.raises(UserError, match="2 runs going"):
        bench.scheduler.submit(Long(), "ann")
    bench.scheduler.submit(Quick(), "ann")
    bench.scheduler.submit(Long(), "bob")


def test_once_runs_are_refused_those_under_way_go_on_and_questions_are_answered():
    started, may_end = threading.Event(), threading.Event()

    def until_told(_job):
        while not may_end.is_set():
            started.set()
            yield None
        return Snapshot()

    work = {Long: until_told, Quick: lambda job: iter(())}
    bench = Bench(work=lambda job: work[type(job.spec)](job), max_running=1)
    with bench:
        assert not bench.scheduler.has_runs()
        running = bench.scheduler.submit(Long(), "ann")
        assert started.wait(WAIT_S)
        waiting = bench.scheduler.submit(Long(), "bob")
        bench.scheduler.refuse_runs(UserError("The lab closes."))
        assert ended(waiting) is JobState.FAILED
        assert str(waiting.error) == "The lab closes."
        with pytest.raises(UserError, match="closes"):
            bench.scheduler.submit(Fetching(), "ann")
        assert ended(bench.scheduler.submit(Quick(), "bob")) is JobState.DONE
        assert bench.scheduler.has_runs()
        may_end.set()
        assert ended(running) is JobState.DONE
        assert not bench.scheduler.has_runs()


def test_a_paused_run_and_a_download_are_no_reason_to_wait():
    scheduler = Bench().scheduler
    run, download = scheduler.submit(Long(), "ann"), scheduler.submit(Fetching(), "ann")
    scheduler._start_queued()
    assert scheduler.has_runs()
    run.pause()
    scheduler._apply_requests()
    assert download.state is JobState.RUNNING
    assert not scheduler.has_runs()


def test_the_jobs_of_a_visitor_who_left_end_and_those_shared_with_another_go_on():
    started = threading.Event()
    with Bench(endless(started)) as bench:
        own = bench.scheduler.submit(Long(), "ann")
        joint = bench.scheduler.submit(Long(), "ann")
        assert bench.scheduler.join(joint, "bob")
        bench.scheduler.leave("ann")
        assert ended(own) is JobState.CANCELLED
        assert bench.scheduler.jobs_of("bob") == [joint]
        assert not joint.is_over


def test_who_joins_while_a_slice_runs_disturbs_neither_the_run_nor_the_worker():
    bench = Bench()

    def work(job):
        owners = iter(job.owners)
        next(owners)
        bench.scheduler.join(job, "bob")  # as another thread may at any time
        assert list(owners) == []
        yield None
        return Snapshot()

    bench.work = work
    with bench:
        job = bench.scheduler.submit(Long(), "ann")
        assert ended(job) is JobState.DONE
    assert job.owners == {"ann", "bob"}


def test_a_job_about_to_be_cancelled_is_not_joined():
    scheduler = Bench().scheduler
    job = scheduler.submit(Long(), "ann")
    job.cancel()
    assert not scheduler.join(job, "bob")
    assert job.owners == {"ann"}


def test_stopping_ends_every_open_job():
    started = threading.Event()
    with Bench(endless(started)) as bench:
        running = bench.scheduler.submit(Long(), "ann")
        assert started.wait(WAIT_S)
        paused = bench.scheduler.submit(Long(), "bob")
        paused.pause()
    assert running.state is JobState.CANCELLED
    assert paused.state is JobState.CANCELLED
