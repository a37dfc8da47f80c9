"""A Ray cluster of this machine alone, with a token and folders of its own."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
_START_S = 60.0


@dataclass(frozen=True)
class RayHead:
    """The addresses of a cluster."""

    node: str  # for a process on one of its computers
    client: str  # for any other


@contextmanager
def ray_head(folder: Path, *, cpus: int = 2, **environment: str) -> Iterator[RayHead]:
    """Run ``ray start --head``; its machines find the lab in ROOT."""
    port, client_port = _free_ports(2)
    sockets = Path(tempfile.mkdtemp(prefix="ray"))  # short: a socket's path has 107 letters at most
    os.environ["RAY_AUTH_TOKEN"] = token = secrets.token_hex(16)
    lab = {
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "TL_CACHE_DIR": str(folder / "cache"),
        "TL_DATA_DIR": str(folder / "data"),
        "TL_DEVICE": "cpu",
        "TL_MIRROR": "http://127.0.0.1:9",
        "TL_WEIGHTS_DIR": str(folder / "weights"),
    }
    command = [
        *(str(Path(sys.executable).parent / "ray"), "start", "--head", "--block"),
        *("--port", str(port), "--ray-client-server-port", str(client_port)),
        *("--num-cpus", str(cpus), "--temp-dir", str(sockets), "--include-dashboard=false"),
        *("--object-store-memory", str(300 * 2**20), "--disable-usage-stats"),
    ]
    with (folder / "ray.log").open("wb") as log:
        head = subprocess.Popen(
            command, env=os.environ | lab | environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            for one in (port, client_port):
                _wait_for(one)
            yield RayHead(f"127.0.0.1:{port}", f"ray://127.0.0.1:{client_port}")
        finally:
            there = psutil.Process(head.pid)
            for process in (*there.children(recursive=True), there):
                process.kill()  # asked in order, they would take half a minute
            head.wait(_START_S)
            shutil.rmtree(sockets, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in listening]
    for server in listening:
        server.close()
    return ports


def _wait_for(port: int) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.1)
