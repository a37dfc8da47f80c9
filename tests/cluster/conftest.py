import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.ray_head import RayHead, ray_head
from tl_core.cluster.client import MachineClient
from tl_core.cluster.compute import ClusterCompute
from tl_core.lab import Lab, Settings

WAIT_S = 60.0
GONE_S = 4.0  # after which machines let go of an app server


@pytest.fixture(scope="session")
def cluster_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="session")
def cluster(cluster_folder: Path) -> Iterator[RayHead]:
    """A Ray cluster with room for two machines of the lab."""
    with ray_head(cluster_folder, TL_VISIT_TIMEOUT_S=str(GONE_S)) as head:
        yield head


@pytest.fixture(scope="session")
def cluster_settings(cluster: RayHead, cluster_folder: Path) -> Settings:
    return Settings(
        data_dir=cluster_folder / "of the app server",
        weights_dir=cluster_folder / "of the app server",
        cache_dir=cluster_folder / "of the app server",
        cluster=cluster.node,
        actor_cores=1,
    )


@pytest.fixture
def on_cluster(cluster_settings: Settings) -> Iterator[Lab]:
    """A lab whose jobs run on two machines, both of them ready."""
    with Lab(cluster_settings) as lab:
        until(lambda: len(usable(lab)) == 2)
        yield lab


@pytest.fixture(params=["local", "cluster"])
def either(request: pytest.FixtureRequest, settings: Settings) -> Lab:
    """The same lab, in this process and on the cluster."""
    lab: Lab = request.getfixturevalue("lab" if request.param == "local" else "on_cluster")
    return lab


def compute_of(lab: Lab) -> ClusterCompute:
    compute = lab._compute
    assert isinstance(compute, ClusterCompute)
    return compute


def usable(lab: Lab) -> list[MachineClient]:
    return [client for client in compute_of(lab).clients() if client.is_usable]


def machine_of(lab: Lab, job: object) -> MachineClient:
    """The machine that runs a job."""
    client = compute_of(lab).queue.client_of(job)  # type: ignore[arg-type]
    assert client is not None
    return client


def process_of(client: MachineClient) -> int:
    """The process of a machine, which is on this computer."""
    pid: int = client.ask("process")
    return pid


def until(is_so: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
