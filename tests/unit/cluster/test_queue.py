"""What an app server does with its jobs, with machines that only listen."""

from typing import Any

import pytest

from tl_core.cluster.messages import Begin, Controls, JobNews, Known, Load, News, Order, Payload
from tl_core.cluster.queue import ClusterQueue
from tl_core.engine.job import Job, JobState
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.download import OPERATOR, Download
from tl_core.specs.ideal import IdealImage, IdealSnapshot
from tl_core.specs.training import FineTune

PICTURE = IdealImage(target=281)
QUESTION = Classify(photo="sample:cat")
TRAINING = FineTune(dataset="digits")


class Listener:
    """A machine that notes what it is told."""

    name = "server.0"

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def send(self, order: Order) -> None:
        self.orders.append(order)

    @property
    def begun(self) -> list[Begin]:
        return [order for order in self.orders if isinstance(order, Begin)]

    @property
    def names(self) -> list[str]:
        return [order.controls.job for order in self.begun]

    @property
    def newest(self) -> Controls:
        (*_, order) = self.orders
        return order if isinstance(order, Controls) else order.controls  # type: ignore[union-attr]


class Machines:
    """Gives each job to the first that is up."""

    def __init__(self, *clients: Listener) -> None:
        self.up = list(clients)

    def place(self, _spec: Spec) -> Any:
        return next(iter(self.up), None)

    def lacking(self, _spec: object) -> Any:
        return self.up

    def payload(self, _spec: Spec) -> Payload:
        return Payload({}, {})


@pytest.fixture
def machines() -> Machines:
    return Machines(Listener(), Listener())


@pytest.fixture
def queue(machines: Machines, settings: Settings) -> ClusterQueue:
    return ClusterQueue(machines, settings)


def tell(queue: ClusterQueue, client: Any, job: Job, state: JobState, **more: Any) -> None:
    """News of the newest attempt at a job there."""
    (*_, name) = [name for name in client.names if name.startswith(job.id)]
    tell_of(queue, client, name, state, **more)


def tell_of(queue: ClusterQueue, client: Any, name: str, state: JobState, **more: Any) -> None:
    plain = {"snapshot": None, "error": None, "position": 0, "seconds": 1.0, "held_bytes": 0}
    one = JobNews(job=name, state=state, handed_step=None, **plain | more)
    load = Load(0, 0, 0, {}, frozenset(), None)
    queue.heard(client, News("boot", Known(), (), (one,), load, None))


def test_a_job_is_as_its_machine_says(queue, machines):
    job, client = queue.submit(PICTURE, "ann"), machines.up[0]
    assert [order.spec for order in client.begun] == [PICTURE]
    tell(queue, client, job, JobState.RUNNING, snapshot=IdealSnapshot(step=3), held_bytes=7)
    assert (job.state, job.snapshot.step, queue.held()["ann"]) == (JobState.RUNNING, 3, 7)
    assert job.seconds == pytest.approx(1.0, abs=0.5)
    assert queue.has_runs()
    tell(queue, client, job, JobState.DONE, snapshot=IdealSnapshot(step=9))
    assert (job.state, job.snapshot.step) == (JobState.DONE, 9)
    assert queue.jobs_of("ann") == []


def test_a_film_is_put_together_from_its_parts(queue, machines):
    job, client = queue.submit(PICTURE, "ann"), machines.up[0]
    tell(queue, client, job, JobState.RUNNING, snapshot=IdealSnapshot(frames=(b"a", b"b")))
    more = IdealSnapshot(frames=(b"c",))
    tell(queue, client, job, JobState.RUNNING, snapshot=more, frames_from=2)
    assert job.snapshot.frames == (b"a", b"b", b"c")
    tell(queue, client, job, JobState.DONE, snapshot=IdealSnapshot(frames=(b"d",)), frames_from=3)
    assert job.snapshot.frames == (b"a", b"b", b"c", b"d")


def test_what_its_owner_wants_is_sent_after_it(queue, machines):
    job, client = queue.submit(PICTURE, "ann"), machines.up[0]
    job.update(tv_weight=2.0)
    assert client.newest.current.tv_weight == 2.0
    job.pause()
    assert client.newest.is_paused
    job.resume()
    assert not client.newest.is_paused
    assert queue.join(job, "bob")
    assert client.newest.owners == {"ann", "bob"}
    assert queue.leave("ann") == []
    assert client.newest.owners == {"bob"}
    assert queue.leave("bob") == [job]
    assert client.newest.is_cancelled
    assert not queue.join(job, "cem")


def test_without_a_machine_jobs_wait_and_can_be_given_up(queue, machines):
    (client, _), machines.up = machines.up, []
    kept, dropped = queue.submit(PICTURE, "ann"), queue.submit(QUESTION, "bob")
    dropped.cancel()
    assert dropped.state is JobState.CANCELLED
    kept.update(tv_weight=2.0)
    machines.up = [client]
    queue.send_waiting()
    (begun,) = client.begun
    assert begun.controls.current.tv_weight == 2.0
    assert kept.state is JobState.QUEUED


def test_after_a_loss_pictures_go_on_questions_are_asked_again_trainings_fail(queue, machines):
    lost, other = machines.up
    jobs = [queue.submit(spec, "ann") for spec in (PICTURE, QUESTION, TRAINING)]
    waiting = queue.submit(TRAINING, "bob")
    for job in jobs:
        tell(queue, lost, job, JobState.RUNNING)
    machines.up.remove(lost)
    queue.move_from(lost, is_lost=True)
    assert [order.spec for order in other.begun] == [PICTURE, QUESTION, TRAINING]
    assert "Please start the run again" in str(jobs[2].error)
    assert waiting.state is JobState.QUEUED
    tell(queue, lost, jobs[0], JobState.DONE)  # too late
    assert jobs[0].state is JobState.QUEUED


def test_what_ends_its_machine_again_and_again_is_given_up(queue, machines):
    job = queue.submit(PICTURE, "ann")
    for _ in range(3):
        assert not job.is_over
        machines.up.reverse()
        queue.move_from(machines.up[1], is_lost=True)
    assert "so the lab stopped the run" in str(job.error)


def test_a_late_machine_keeps_its_trainings(queue, machines):
    late, other = machines.up
    queue.submit(PICTURE, "ann")
    training = queue.submit(TRAINING, "ann")
    machines.up.remove(late)
    queue.move_from(late, is_lost=False)
    queue.move_from(late, is_lost=False)  # it is late still
    assert [order.spec for order in other.begun] == [PICTURE]
    assert late.newest == Controls(late.names[0], PICTURE, frozenset(["ann"]), False, True)
    tell(queue, late, training, JobState.RUNNING)
    assert training.state is JobState.RUNNING


def test_the_end_of_an_earlier_attempt_is_not_that_of_the_job(queue, machines):
    one, other = machines.up
    job = queue.submit(PICTURE, "ann")
    for late, up in ((one, other), (other, one)):
        machines.up = [up]
        queue.move_from(late, is_lost=False)
    first, second = one.names
    tell_of(queue, one, first, JobState.CANCELLED)  # which was on its way meanwhile
    assert not job.is_over
    tell_of(queue, one, second, JobState.DONE)
    assert job.state is JobState.DONE


def test_a_late_machine_keeps_everything_where_it_is_the_only_one(queue, machines):
    late = machines.up[0]
    queue.submit(PICTURE, "ann")
    machines.up = []
    queue.move_from(late, is_lost=False)
    assert len(late.orders) == 1


def test_a_download_goes_to_every_node_that_lacks_it(queue, machines):
    job = queue.submit(Download(name="vgg16"), "ann")
    assert [len(client.begun) for client in machines.up] == [1, 1]
    first, second = (client.begun[0].controls for client in machines.up)
    assert first.job != second.job
    assert job.id in {name.partition(".")[0] for name in (first.job, second.job)}
    assert {first.owners, second.owners} == {frozenset(["ann"]), frozenset([OPERATOR])}


def test_a_visitor_with_many_runs_is_refused_before_a_machine_hears_of_it(queue, machines):
    with pytest.raises(UserError, match="already have"):
        for _ in range(9):
            queue.submit(PICTURE, "ann")
    assert len(machines.up[0].begun) == 6


def test_before_its_end_an_app_server_takes_only_questions(queue, machines):
    waiting, question = queue.submit(PICTURE, "ann"), queue.submit(QUESTION, "ann")
    queue.refuse_runs(UserError("Later."))
    assert str(waiting.error) == "Later."
    assert machines.up[0].newest.is_cancelled
    assert not question.is_over
    with pytest.raises(UserError, match="Later"):
        queue.submit(PICTURE, "ann")
    queue.close()
    assert question.state is JobState.CANCELLED


def test_runs_of_somebody_who_is_away_pause_and_their_questions_end(queue, machines):
    run, question = queue.submit(PICTURE, "ann"), queue.submit(QUESTION, "ann")
    queue.set_aside("ann")
    assert run.pause_requested
    assert question.cancel_requested
    assert queue.counts()[JobState.QUEUED] == 2
