"""Which machine of the cluster a job goes to."""

import math
from collections.abc import Collection, Sequence

from tl_core.backbones.weights import WeightsState
from tl_core.cluster.client import MachineClient
from tl_core.cluster.messages import Load
from tl_core.engine.batching import batch_room, step_times
from tl_core.specs.base import Spec
from tl_core.specs.datasets import OWN_DATASET, ImportData
from tl_core.specs.download import Download

_LOADING = 0.5  # what it costs to load a network, in steps of a run that is alone


def networks_of(spec: Spec) -> tuple[str, ...]:
    """Every network that a job asks, by key."""
    also: tuple[str, ...] = getattr(spec, "also", ())
    return (spec.backbone, *also) if spec.uses_network else ()


def can_run(client: MachineClient, spec: Spec, backbones: Collection[str]) -> bool:
    """Whether a machine has what a job needs on its disk.

    Args:
        client: The machine.
        spec: The job.
        backbones: The catalogue's, of which its networks are or have grown.
    """
    disk = client.disk
    if disk is None or isinstance(spec, Download | ImportData):
        return disk is not None
    usable = files_of(client) & disk.fitting
    return all(key in usable for key in backbones if key in disk.weights) and _has_data(
        client, spec
    )


def files_of(client: MachineClient) -> set[str]:
    """The backbones and data sets that a machine has on its disk."""
    if client.disk is None:
        return set()
    weights = {key for key, state in client.disk.weights.items() if state is WeightsState.READY}
    return weights | {entry.key for entry in client.disk.datasets if entry.state == "ready"}


def cost(client: MachineClient, spec: Spec) -> float:
    """How long a run's step would take there, in steps of one that is alone.

    The machine's time is shared equally among all runs, and those in a batch put theirs together.
    """
    load, about = client.load, client.about
    if load is None or about is None:
        return math.inf
    is_cpu = about.hardware.is_cpu
    mates = load.batches.get(spec.batch_key, 0)
    size = mates + 1 if mates < batch_room(on_cpu=is_cpu) else 1
    gain = size / step_times(size, on_cpu=is_cpu)
    loading = 0.0 if spec.backbone in load.loaded else _LOADING
    return (load.runs + 1) / gain + loading


def for_question(client: MachineClient, spec: Spec) -> tuple[bool, int, int]:
    """Order machines for a quick question: who has the network, then who is least busy."""
    load: Load | None = client.load
    if load is None:
        return True, 0, 0
    return spec.backbone not in load.loaded, load.questions, load.runs


def choose(
    clients: Sequence[MachineClient], spec: Spec, backbones: Collection[str]
) -> MachineClient | None:
    """Return the machine for a job among those that can be used; ``None`` where there is none.

    It waits for one that has the files and will soon be back. Where none has them, any may say
    what is missing.
    """
    knowing = [client for client in clients if can_run(client, spec, backbones)]
    able = [client for client in knowing if client.is_usable]
    if not able and not any(client.may_be_back for client in knowing):
        able = [client for client in clients if client.is_usable]
    if spec.is_quick:
        return min(able, key=lambda client: for_question(client, spec), default=None)
    return min(able, key=lambda client: cost(client, spec), default=None)


def _has_data(client: MachineClient, spec: Spec) -> bool:
    """Whether the machine has the data set that a job names, if it is one that machines have."""
    name: str = getattr(spec, "dataset", "")
    return not name or name == OWN_DATASET or name in files_of(client)
