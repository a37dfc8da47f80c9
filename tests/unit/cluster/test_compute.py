"""What an app server has of its cluster, with a Ray that only counts."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.cluster.test_placement import LITE, VGG, machine
from tl_core.cluster import compute as computes
from tl_core.cluster.client import MachineClient
from tl_core.cluster.compute import ClusterCompute
from tl_core.cluster.messages import Begin, Known, Load, News
from tl_core.images.photo_store import PhotoStore
from tl_core.images.samples import PREFIX, read
from tl_core.settings import Settings
from tl_core.specs.classify import Classify
from tl_core.specs.ideal import IdealImage


@pytest.fixture
def stored() -> list[object]:
    """What was put into the object store."""
    return []


@pytest.fixture
def compute(
    settings: Settings, stored: list[object], monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClusterCompute]:
    def put(data: object) -> str:
        stored.append(data)
        return f"ref {len(stored)}"

    fake: Any = SimpleNamespace(nodes=list, put=put, shutdown=lambda: None)
    monkeypatch.setattr(computes, "connect", lambda _address, _keeps_mb: fake)
    photos = PhotoStore(2**22, 10**7)
    with_photos = ClusterCompute("head:6379", settings, photos)
    yield with_photos
    with_photos._clients = []
    with_photos.close(1.0)


def join(compute: ClusterCompute, *clients: MachineClient) -> None:
    compute._clients = list(clients)


def begun(client: MachineClient) -> list[Begin]:
    return [order for order in client._orders if isinstance(order, Begin)]


def test_what_was_asked_while_the_only_machine_was_late_begins_once_it_answers(compute):
    client = machine(0)
    join(compute, client)
    client.is_late = True
    compute.queue.submit(Classify(photo="sample:cat"), "ann")
    assert not begun(client)
    client.is_late = False
    load = Load(0, 0, 0, {}, frozenset(), None)
    compute.heard(client, News("boot", Known(), (), (), load, None))
    assert len(begun(client)) == 1


def test_a_photograph_is_put_into_the_object_store_once(compute, stored):
    key = compute._photos.add(read(f"{PREFIX}cat"), "ann")
    join(compute, machine(0), machine(1))
    for seed in range(3):
        compute.queue.submit(Classify(photo=key, seed=seed), "ann")
    assert len(stored) == 1


def test_a_picture_of_two_networks_goes_where_both_are(compute):
    one, both = machine(0), machine(1, weights=(LITE, VGG), runs=9)
    join(compute, one, both)
    compute.queue.submit(IdealImage(target=281, backbone=LITE, also=(VGG,)), "ann")
    assert (len(begun(one)), len(begun(both))) == (0, 1)
