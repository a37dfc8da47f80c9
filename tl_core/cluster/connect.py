"""Finds or starts a Ray cluster, and says in words what is wrong with it."""

import importlib.util
import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tl_core.errors import UserError
from tl_core.machine.cores import usable_cores

if TYPE_CHECKING:
    from types import ModuleType

NAMESPACE = "transfer-learning-lab"
_STATES_MB = 256  # in the object store of a single machine, beside photographs and models
_ANSWER_S = 10.0
_GPUS = Path("/proc/driver/nvidia/gpus")


def chosen_cluster(setting: str, device: str) -> str:
    """Return which cluster ``TL_CLUSTER`` means: "" for none, "local", or an address.

    ``auto`` takes this process, but where Ray is installed and this machine has several graphics
    cards, all of those.

    Raises:
        UserError: If Ray is needed and not installed.
    """
    has_ray = importlib.util.find_spec("ray") is not None
    if setting == "auto":
        return "local" if has_ray and device == "auto" and _visible_gpus() > 1 else ""
    if not has_ray:
        raise UserError(
            "TL_CLUSTER is {value}, but Ray is not installed. Install it with pip install -r "
            "requirements-cluster.txt, or leave TL_CLUSTER out.",
            value=setting,
        )
    return setting


def _visible_gpus() -> int:
    """Count the NVIDIA cards that this process may use, without torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip()])
    return len(list(_GPUS.iterdir())) if _GPUS.is_dir() else 0


def connect(address: str, keeps_mb: int) -> "ModuleType":
    """Join the cluster at ``address``, or start one of this machine alone for "local".

    Its object store then holds ``keeps_mb`` megabytes of photographs and models, and states.

    Raises:
        UserError: If there is none, or it lets nobody in.
    """
    import ray

    is_local = address == "local"
    own: dict[str, Any] = {
        "address": "local",
        "num_cpus": usable_cores(),
        "include_dashboard": False,
        "object_store_memory": (keeps_mb + _STATES_MB) * 2**20,
    }
    try:
        if not is_local:
            _require_reachable(address)
        ray.init(
            **(own if is_local else {"address": address}),
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        raise UserError(
            "The Ray cluster at {address} cannot be used: {reason}. Check that it is running, "
            "that it has the same versions of Python and Ray, and that both have the same token.",
            address=address,
            reason=str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__,
        ) from error
    return ray


def _require_reachable(address: str) -> None:
    """Try the door; Ray itself would wait for minutes.

    Raises:
        OSError: If nobody answers.
        ValueError: If the address has no port.
    """
    place, _, port = address.rpartition("://")[2].rpartition(":")
    socket.create_connection((place.strip("[]"), int(port)), timeout=_ANSWER_S).close()
