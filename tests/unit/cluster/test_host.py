"""What a machine does for app servers, without Ray between them."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.model_files import of_backbone
from tl_core.cluster.host import Host
from tl_core.cluster.messages import Begin, Controls, Forget, JobNews, Known, Order, Payload
from tl_core.engine.job import FINAL, JobState
from tl_core.errors import UserError
from tl_core.images.decode import content_key
from tl_core.images.samples import PREFIX, read
from tl_core.settings import Settings
from tl_core.specs.base import Spec, photo_keys
from tl_core.specs.classify import Classify
from tl_core.specs.download import OPERATOR
from tl_core.specs.ideal import IdealImage

WAIT_S = 60.0
PICTURE = IdealImage(target=281, steps=400)


@pytest.fixture
def gone_s() -> float:
    """After which an app server is taken for gone."""
    return 90.0


@pytest.fixture
def host(settings: Settings, gone_s: float) -> Iterator[Host]:
    own = replace(settings, visit_timeout_s=gone_s)
    host = Host(own, node="here", cores=1, fetch=lambda refs: refs)
    yield host
    host.close()


class Server:
    """An app server that talks to one machine."""

    def __init__(self, host: Host, name: str = "server.0") -> None:
        self.host, self.name = host, name
        self.known, self.number = Known(), 0
        self.jobs: dict[str, JobNews] = {}

    def send(self, *orders: Order) -> None:
        self.number += 1
        assert self.host.take(self.name, self.host.about().boot, self.number, list(orders))

    def begin(self, name: str, spec: Spec, owner: str = "ann", **payload: Any) -> Controls:
        controls = Controls(name, spec, frozenset([owner]), is_paused=False, is_cancelled=False)
        self.send(
            Begin(spec, controls, Payload(payload.get("photos", {}), {}), payload.get("saved"))
        )
        return controls

    def hear(self) -> None:
        news = self.host.news(self.name, self.known, 0.2)
        self.known = news.known
        self.jobs |= {one.job: one for one in news.jobs}

    def until(self, name: str, *states: JobState) -> JobNews:
        end = time.monotonic() + WAIT_S
        while name not in self.jobs or self.jobs[name].state not in states:
            assert time.monotonic() < end
            self.hear()
        return self.jobs[name]


def test_orders_that_come_twice_are_followed_once(host):
    server = Server(host)
    server.begin("a", PICTURE)
    boot = host.about().boot
    again = Controls("b", PICTURE, frozenset(["ann"]), is_paused=False, is_cancelled=False)
    assert host.take(server.name, boot, 1, [Begin(PICTURE, again, Payload({}, {}), None)])
    server.hear()
    assert "b" not in server.jobs
    assert not host.take(server.name, "another boot", 2, [])


def test_news_that_got_lost_are_told_again(host):
    server = Server(host)
    server.begin("a", Classify(photo="sample:cat"))
    assert server.until("a", *FINAL).state is JobState.DONE
    lost = replace(server.known, jobs=0)
    assert [one.job for one in host.news(server.name, lost, 0.1).jobs] == ["a"]
    assert host.news(server.name, server.known, 0.1).jobs == ()
    assert host.news(server.name, lost, 0.1).jobs == ()  # it was known, and is let go of


def test_of_a_film_only_what_is_new_is_told(host):
    server = Server(host)
    server.begin("a", replace(PICTURE, steps=20))
    frames: tuple[bytes, ...] = ()
    told = 0
    while "a" not in server.jobs or server.jobs["a"].state not in FINAL:
        server.jobs.clear()
        server.hear()
        for one in server.jobs.values():
            if one.snapshot is not None:
                parts: tuple[bytes, ...] = one.snapshot.frames  # type: ignore[attr-defined]
                frames = frames[: one.frames_from] + parts
                told += len(parts)
    assert len(frames) == told == 21


def test_a_photograph_is_fetched_once(host):
    data = read(f"{PREFIX}cat")
    key, fetched = content_key(data), []
    host._fetch = lambda refs: fetched.append(refs) or refs
    server = Server(host)
    for name in "ab":
        spec = Classify(photo=key, seed=ord(name))
        assert photo_keys(spec) == {key}
        server.begin(name, spec, photos={key: data})
        assert server.until(name, *FINAL).state is JobState.DONE
    assert fetched == [[data]]
    server.send(Forget("ann", everything=False))
    assert key not in host.photos


def test_a_photograph_that_two_visitors_have_stays_when_one_of_them_leaves(host):
    data = read(f"{PREFIX}cat")
    key, server = content_key(data), Server(host)
    for owner in ("ann", "bob"):
        server.begin(owner, Classify(photo=key), owner, photos={key: data})
        assert server.until(owner, *FINAL).state is JobState.DONE
    server.send(Forget("ann", everything=True))
    assert key in host.photos
    server.send(Forget("bob", everything=True))
    assert key not in host.photos


def test_nothing_is_fetched_for_a_job_that_is_given_up_before(host):
    fetched: list[object] = []
    waiting = threading.Event()
    host._fetch = lambda refs: (waiting.wait(WAIT_S) and fetched.append(refs)) or refs
    server, spec = Server(host), Classify(photo="sha256:0")
    for place in range(9):
        server.begin(f"job {place}", spec, photos={spec.photo: b"no photograph"})
    controls = Controls("job 8", spec, frozenset(["ann"]), is_paused=False, is_cancelled=True)
    server.send(controls)
    waiting.set()
    assert server.until("job 8", *FINAL).state is JobState.CANCELLED
    server.until("job 7", *FINAL)
    assert len(fetched) < 9


def test_what_a_machine_is_told_by_an_earlier_connection_does_not_end_the_newer(host):
    old, new = Server(host), Server(host, "server.1")
    new.begin("a", PICTURE)
    assert not host.take(old.name, host.about().boot, 1, [])
    assert host.handed(old.name, ["a"]) == {}
    with pytest.raises(UserError, match="restarted before it answered"):
        host.load_file(old.name, b"", "ann")
    assert new.until("a", JobState.RUNNING)


def test_an_app_server_that_ends_leaves_others_their_downloads(host):
    first, second = Server(host), Server(host, "other.0")
    for server in (first, second):
        server.begin(server.name, PICTURE, OPERATOR)
        server.until(server.name, JobState.RUNNING)
    host.end(first.name)
    (kept,) = [job for job in host.compute.queue.open_jobs() if not job.cancel_requested]
    second.send(Controls(second.name, PICTURE, kept.owners, is_paused=True, is_cancelled=False))
    assert second.until(second.name, JobState.PAUSED)


def test_what_an_app_server_has_let_in_is_not_refused_by_its_machine(host):
    server = Server(host)
    most = host.compute.context.settings.max_jobs_per_visitor
    for place in range(most + 2):
        server.begin(f"job {place}", PICTURE)
    server.hear()
    assert JobState.FAILED not in {one.state for one in server.jobs.values()}


def test_a_model_travels_whole_where_its_backbones_file_is_not_at_hand(host, monkeypatch):
    store, server = host.compute.context.backbones, Server(host)
    server.hear()
    data = of_backbone(store.load("efficientnet_lite0"), "Mine", ["cats", "dogs"])
    info = host.load_file(server.name, data, "ann")
    assert not host.parts(info.key).is_whole
    monkeypatch.setattr(type(store.weights), "is_ready", lambda _weights, _row: False)
    whole = host.parts(info.key)
    assert whole.is_whole
    store.forget("ann")
    host.keep(whole)
    assert store.classes(info.key) == ("cats", "dogs")


def test_a_job_whose_cargo_is_lost_fails_in_words(host):
    def lost(_refs: object) -> object:
        raise ConnectionError

    host._fetch = lost
    server = Server(host)
    server.begin("a", Classify(photo="sha256:1"), photos={"sha256:1": "ref"})
    assert "Please try again" in str(server.until("a", *FINAL).error)


def test_controls_that_come_before_the_cargo_act_once_it_is_there(host):
    data = read(f"{PREFIX}cat")
    server = Server(host)
    host._fetch = lambda refs: time.sleep(0.3) or refs
    spec = replace(PICTURE, photo=content_key(data))
    controls = server.begin("a", spec, photos={spec.photo: data})
    server.send(replace(controls, is_cancelled=True))
    assert server.until("a", *FINAL).state is JobState.CANCELLED


@pytest.fixture
def _handed_over_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tl_core.cluster.host.HAND_OVER_S", 0.2)


@pytest.mark.slow
@pytest.mark.usefixtures("_handed_over_soon")  # before ``host`` is made
def test_a_picture_is_handed_over_and_gone_on_with_by_another_server(host):
    first, second = Server(host), Server(host, "other.0")
    first.begin("a", replace(PICTURE, steps=60))
    end = time.monotonic() + WAIT_S
    while not (handed := host.handed(first.name, ["a"])):
        assert time.monotonic() < end
        first.hear()
    second.begin("b", replace(PICTURE, steps=60), "bob", saved=handed["a"])
    done, whole = second.until("b", *FINAL), first.until("a", *FINAL)
    for job in (done, whole):
        assert [row[0] for row in job.snapshot.history] == list(range(60))  # type: ignore[union-attr]


def test_what_an_earlier_connection_began_ends_when_the_server_connects_anew(host):
    server = Server(host)
    server.begin("a", PICTURE)
    server.until("a", JobState.RUNNING)
    (job,) = host.compute.queue.open_jobs()
    Server(host, "server.1").hear()
    assert job.wait(WAIT_S)
    assert job.state is JobState.CANCELLED


@pytest.mark.parametrize("gone_s", [1.0])
def test_a_server_that_does_not_ask_for_a_while_is_gone_with_all_its_jobs(host):
    gone, other = Server(host), Server(host, "other.0")
    gone.begin("a", PICTURE)
    gone.hear()
    other.begin("b", PICTURE, "bob")
    end = time.monotonic() + WAIT_S
    while gone.name in host._servers:
        assert time.monotonic() < end
        other.hear()
    (job,) = [job for job in host.compute.queue.open_jobs() if "bob" in job.owners]
    assert not job.cancel_requested
    other.send(replace(Controls("b", PICTURE, job.owners, False, False), is_paused=True))
    other.until("b", JobState.PAUSED)
    assert host.news(gone.name, gone.known, 0.1).boot != host.about().boot
