from collections import Counter
from collections.abc import Hashable
from typing import Any

import pytest

from tl_core.backbones.weights import WeightsState
from tl_core.cluster.client import MachineClient
from tl_core.cluster.messages import (
    About,
    Begin,
    Controls,
    Disk,
    Forget,
    JobNews,
    Known,
    Load,
    News,
    Payload,
)
from tl_core.cluster.placement import can_run, choose, cost, networks_of
from tl_core.compute import Hardware
from tl_core.datasets.store import DatasetStatus
from tl_core.engine.job import JobState
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.datasets import PreviewData
from tl_core.specs.download import Download
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import FineTune

LITE, VGG = "efficientnet_lite0", "vgg16"
PICTURE = IdealImage(target=281, backbone=LITE)
QUESTION = Classify(photo="sample:cat", backbone=LITE)
NOTHING = Payload({}, {})


class Owner:
    """Hears of the machine, and does nothing."""

    def was_lost(self, _client: MachineClient) -> None:
        pass


def machine(
    place: int = 0,
    *,
    is_cpu: bool = True,
    loaded: tuple[str, ...] = (),
    runs: int = 0,
    mates: int = 0,
    questions: int = 0,
    weights: tuple[str, ...] = (LITE,),
    datasets: tuple[str, ...] = (),
) -> MachineClient:
    client = MachineClient(place, "server", lambda: None, owner=Owner(), hang_s=60)  # type: ignore[arg-type]
    client.about = About("", "boot", f"node-{place}", Hardware("CPU", is_cpu, 1), ())
    batches = Counter[Hashable]({PICTURE.batch_key: mates} if mates else {})
    client.load = Load(questions, runs + mates, 0, batches, frozenset(loaded), None)
    client.disk = Disk(
        {
            key: WeightsState.READY if key in weights else WeightsState.MISSING
            for key in (LITE, VGG)
        },
        frozenset((LITE, VGG)),
        tuple(DatasetStatus(key, key, "ready") for key in datasets),
    )
    return client


def chosen(spec: Spec, *clients: MachineClient) -> int:
    found = choose(clients, spec, networks_of(spec))
    assert found is not None
    return found.place


def test_on_graphics_cards_pictures_join_the_batch_that_is_there():
    busy, idle = machine(0, is_cpu=False, loaded=(LITE,), mates=20), machine(1, is_cpu=False)
    assert chosen(PICTURE, idle, busy) == 0


def test_a_full_batch_is_joined_by_nobody():
    full, idle = machine(0, is_cpu=False, loaded=(LITE,), mates=32), machine(1, is_cpu=False)
    assert chosen(PICTURE, full, idle) == 1


def test_on_processors_pictures_spread_while_there_are_idle_ones():
    one, idle = machine(0, loaded=(LITE,), mates=1), machine(1, loaded=(LITE,))
    assert chosen(PICTURE, one, idle) == 1


@pytest.mark.parametrize("is_cpu", [True, False])
def test_the_last_place_of_a_batch_is_taken_before_another_batch_begins(is_cpu):
    room = 8 if is_cpu else 32
    full = machine(0, is_cpu=is_cpu, loaded=(LITE,), mates=room)
    nearly = machine(1, is_cpu=is_cpu, loaded=(LITE,), mates=room - 1)
    assert chosen(PICTURE, full, nearly) == 1


def test_a_training_goes_where_least_runs():
    spec = FineTune(dataset="digits", backbone=LITE)
    busy = machine(0, loaded=(LITE,), runs=3, datasets=("digits",))
    idle = machine(1, datasets=("digits",))
    assert chosen(spec, busy, idle) == 1
    assert cost(busy, spec) == 4


def test_a_quick_question_goes_to_who_has_the_network_then_to_who_is_least_busy():
    busy = machine(0, loaded=(LITE,), questions=5)
    less = machine(1, loaded=(LITE,), questions=1)
    without = machine(2)
    assert chosen(QUESTION, without, busy, less) == 1


def test_nobody_is_sent_where_the_files_are_missing():
    spec = IdealImage(target=281, backbone=VGG)
    here, there = machine(0), machine(1, weights=(VGG,), runs=5)
    assert chosen(spec, here, there) == 1
    assert not can_run(machine(datasets=()), PreviewData(dataset="pets"), ())
    assert can_run(machine(datasets=("pets",)), PreviewData(dataset="pets"), ())
    assert can_run(machine(), Download(name=VGG), ())


def test_a_job_on_several_networks_goes_where_all_of_them_are():
    spec = IdealImage(target=281, backbone=LITE, also=(VGG,))
    assert networks_of(spec) == (LITE, VGG)
    assert chosen(spec, machine(0), machine(1, weights=(LITE, VGG), runs=5)) == 1


def test_a_job_waits_for_the_one_machine_that_has_its_files(monkeypatch):
    spec = IdealImage(target=281, backbone=VGG)
    without, late = machine(0), machine(1, weights=(VGG,))
    late.is_late = True
    assert choose([without, late], spec, [VGG]) is None
    lost = machine(1, weights=(VGG,))
    lost._lose()
    assert choose([without, lost], spec, [VGG]) is None
    monkeypatch.setattr("tl_core.cluster.client._BACK_S", 0.0)
    assert choose([without, lost], spec, [VGG]) is without  # which says what is missing


def test_of_the_orders_for_a_lost_machine_only_the_farewells_are_kept():
    client = machine(0)
    goodbye = Forget("ann", everything=True)
    begin = Begin(PICTURE, Controls("a", PICTURE, frozenset(["ann"]), False, False), NOTHING, None)
    for order in (begin, goodbye):
        client.send(order)
    client._lose()
    for order in (begin, goodbye):
        client.send(order)
    assert client._orders == [goodbye, goodbye]
    never_there = MachineClient(1, "server", lambda: None, owner=None, hang_s=60)  # type: ignore[arg-type]
    never_there.send(goodbye)
    assert never_there._orders == []


def test_where_nobody_has_the_files_somebody_says_so():
    assert chosen(IdealImage(target=281, backbone=VGG), machine(0)) == 0


def test_machines_that_are_late_or_in_trouble_get_nothing():
    late, silent = machine(0), machine(1)
    late.is_late, silent.load = True, None
    assert choose([late, silent], PICTURE, [LITE]) is None


def test_jobs_sent_at_once_are_counted_before_the_machine_counts_them():
    client = machine(loaded=(LITE,))

    def send(name: str) -> None:
        controls = Controls(name, PICTURE, frozenset(["ann"]), is_paused=False, is_cancelled=False)
        client.send(Begin(PICTURE, controls, NOTHING, None))

    def runs() -> Any:
        assert client.load is not None
        return client.load.runs, client.load.batches[PICTURE.batch_key]

    send("a")
    send("b")
    assert runs() == (2, 2)
    heard = JobNews("a", JobState.RUNNING, None, None, 0, 0.0, 0, None)
    load = Load(0, 1, 0, Counter({PICTURE.batch_key: 1}), frozenset([LITE]), None)
    client._take_in(News("boot", Known(), (), (heard,), load, None))
    assert runs() == (2, 2)
