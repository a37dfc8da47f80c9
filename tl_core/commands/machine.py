"""Finds out the facts about this machine that ``doctor`` judges."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

from tl_core.classify.spec import Classify
from tl_core.commands.common import OWNER
from tl_core.commands.health import Facts, PortUse
from tl_core.fetching import free_bytes
from tl_core.lab import Lab, MachineStatus, PackagedWeights
from tl_core.machine.process_memory import process_bytes
from tl_core.settings import memory_bytes

if sys.platform != "win32":  # which has no such limit
    import resource

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
_PORT = 8501  # Streamlit's
_START_S = 30.0  # for the machines of a cluster
_ANSWER_S = 60.0  # for one photograph; the slowest machine needs a few seconds
_TAB_FILES, _OTHER_FILES = 4, 128  # as pages/server/open_files.py counts
_GPUS = Path("/proc/driver/nvidia/gpus")


class OthersLoad:
    """The processor time that other programs take from its creation on."""

    def __init__(self) -> None:
        self._start = self._now()

    def share(self) -> float:
        """Of all cores, between 0 and 1."""
        all_s, busy_s, own_s = (
            now - then for now, then in zip(self._now(), self._start, strict=True)
        )
        return max(0.0, (busy_s - own_s) / all_s) if all_s > 0 else 0.0

    @staticmethod
    def _now() -> tuple[float, float, float]:
        times = psutil.cpu_times()
        waiting_s: float = times.idle + getattr(times, "iowait", 0.0)
        return sum(times), sum(times) - waiting_s, time.process_time()


def look(lab: Lab, load: OthersLoad, *, device_error: str, port: int = _PORT) -> Facts:
    """Find everything out; ``load`` began before the work that is to be left out of it."""
    lab.backbones.finish_checks()
    settings, backbones = lab.settings, lab.backbones.rows()
    folders = {
        "TL_WEIGHTS_DIR": settings.weights_dir,
        "TL_DATA_DIR": settings.data_dir,
        "TL_CACHE_DIR": settings.cache_dir,
    }
    missing, others = differences(REQUIREMENTS.read_text())
    port_use, trouble = use_of_port(port)
    kept = sum(row.budget_bytes for row in lab.memory.rows()) // 2**20
    return Facts(
        today=datetime.now(UTC).date(),
        missing_packages=missing,
        other_versions=others,
        device_error=device_error,
        answer_error=answer_error(lab),
        backbones={found.row.key: found.state for found in backbones},
        packages={
            found.row.key: found.row.source.package.replace("_", "-")
            for found in backbones
            if isinstance(found.row.source, PackagedWeights)
        },
        absent_datasets=tuple(
            entry.key for entry in lab.datasets.rows() if entry.state == "can be downloaded"
        ),
        unwritable={
            name: reason for name, folder in folders.items() if (reason := why_unwritable(folder))
        },
        free_disk_mb={name: free_bytes(folder) // 2**20 for name, folder in folders.items()},
        keep_free_disk_mb=settings.keep_free_disk_mb,
        free_memory_mb=free_memory_bytes() // 2**20,
        kept_memory_mb=kept + settings.network_memory_mb + settings.upload_memory_mb,
        swapped_mb=psutil.swap_memory().used // 2**20,
        tabs=_tabs(),
        busy=load.share(),
        unused_gpu=unused_gpu(),
        port=port,
        port_use=port_use,
        machines=machines_of(lab),
        lab_trouble=trouble,
    )


def machines_of(lab: Lab) -> tuple[MachineStatus, ...]:
    """The machines of a cluster, once they have started or could have."""
    end = time.monotonic() + _START_S
    while (found := lab.machines()) and time.monotonic() < end:
        if not any(one.trouble for one in found):
            break
        time.sleep(1)
    return tuple(found)


def installed(package: str) -> str:
    """The version that is installed; empty where none is."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def differences(requirements: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages that are missing, and those of another version than is asked for."""
    asked = re.findall(r"^([\w.-]+)==([^\s;#]+)", requirements, re.MULTILINE)
    found = {name: installed(name) for name, _ in asked}
    return (
        tuple(name for name, _ in asked if not found[name]),
        tuple(
            f"{name} {found[name]} instead of {wanted}"
            for name, wanted in asked
            if found[name] and found[name].partition("+")[0] != wanted  # +cpu, +cu130: builds
        ),
    )


def answer_error(lab: Lab) -> str:
    """Why a photograph cannot be classified; empty where it can, or where no backbone is ready."""
    ready = lab.backbones.ready()
    if not ready:
        return ""
    job = lab.jobs.submit(Classify(photo="sample:cat", backbone=ready[0].key), OWNER)
    if not job.wait(_ANSWER_S):
        return lab.readiness() or f"the device has not answered for {_ANSWER_S:.0f} seconds."
    return str(job.error or lab.readiness())


def why_unwritable(folder: Path) -> str:
    """Why nothing can be written to ``folder``, or to where it would be made; empty if it can."""
    try:
        place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=place):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


def use_of_port(port: int) -> tuple[PortUse, str]:
    """Who has the port, and what is the matter with it if it is the lab."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return "free", ""
    own = ssl.create_default_context()
    own.check_hostname, own.verify_mode = False, ssl.CERT_NONE  # a teacher makes it, nobody signs
    for connection in (
        http.client.HTTPConnection("127.0.0.1", port, timeout=5),
        http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=own),
    ):
        with suppress(OSError, http.client.HTTPException), closing(connection):
            connection.request("GET", "/ready")
            answer = connection.getresponse()
            text = answer.read(1000).decode(errors="replace")
            is_text = (answer.getheader("Content-Type") or "").startswith("text/plain")
            if (answer.status, text) == (200, "ok"):
                return "the lab", ""
            if answer.status == 503 and is_text:
                return "the lab", text
    return "another program", ""


def free_memory_bytes() -> int:
    """What the system, and a container's limit, leave to this process beside what it has."""
    return max(0, int(min(psutil.virtual_memory().available, memory_bytes() - process_bytes())))


def _tabs() -> int | None:
    if sys.platform == "win32":
        return None
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else (hard - _OTHER_FILES) // _TAB_FILES


def unused_gpu() -> str:
    """Why torch does not use the NVIDIA graphics card of this machine; empty if it does."""
    if torch.cuda.is_available() or not has_nvidia():
        return ""
    if torch.version.cuda is None:
        return "torch is the build for CPUs; pytorch.org says how to install the one for CUDA."
    return f"torch is built for CUDA {torch.version.cuda} and cannot use it; renew its driver."


def has_nvidia() -> bool:
    """Whether there is an NVIDIA graphics card, whatever torch says."""
    if _GPUS.is_dir():
        return any(_GPUS.iterdir())
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return False  # the program without a card, or without a driver
    return b"GPU 0" in listed.stdout
