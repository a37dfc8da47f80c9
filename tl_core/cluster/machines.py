"""How a cluster is divided into machines of the lab."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Machines:
    """How a cluster is divided into machines of the lab."""

    count: int
    is_gpu: bool
    cores: int  # for each, where it computes on the processor
    share: float  # of its node's memory, for each

    @property
    def resources(self) -> dict[str, Any]:
        """What Ray keeps free for each."""
        return {"num_gpus": 1, "num_cpus": 1} if self.is_gpu else {"num_cpus": self.cores}


def divide(nodes: list[Mapping[str, Any]], actor_cores: int) -> Machines:
    """Give each graphics card to a machine, or else so many cores.

    Args:
        nodes: As ``ray.nodes()`` has them.
        actor_cores: ``Settings.actor_cores``.
    """
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    gpus = [int(one.get("GPU", 0)) for one in resources]
    if any(gpus):
        return Machines(sum(gpus), is_gpu=True, cores=0, share=1 / max(gpus))
    cpus = [int(one.get("CPU", 0)) for one in resources]
    usable = [count for count in cpus if count]
    cores = max(min([actor_cores, *usable]), 1)
    counts = [count // cores for count in usable]
    return Machines(sum(counts), is_gpu=False, cores=cores, share=1 / max([1, *counts]))
