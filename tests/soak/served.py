"""The app, and beside it a door through which another process reads what this one holds.

``python -m tests.soak.served run streamlit_app.py ...`` is ``python -m streamlit run ...``.
"""

import ctypes
import gc
import os
import platform
import sys
import threading
import weakref
from collections import Counter
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.web.cli import main

from pages.server import process_state
from pages.server.compat import downloads

# Made when they are needed first, never more than their pool may have
_POOLS = ("lab-pool", "lab-photos", "lab-download", "asyncio_", "ThreadPoolExecutor")
_MALLINFO = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
    *("uordblks", "fordblks", "keepcost"),  # in use, free
)


class _Mallinfo(ctypes.Structure):
    """Of glibc's malloc, mallinfo2(3)."""

    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO]


_sessions: weakref.WeakSet[AppSession] = weakref.WeakSet()  # all there are, stored or not


class _NotedSession(AppSession):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        _sessions.add(self)


def ask(door: Path, question: str) -> dict[str, Any]:
    """From another process: ``counts`` or ``types``."""
    with Client(str(door), "AF_UNIX") as line:
        line.send(question)
        answer: dict[str, Any] = line.recv()
    return answer


def counts() -> dict[str, float]:
    """What visitors make this process hold, each 0 after they are gone, and its memory."""
    return _held() | _memory()


def types() -> dict[str, int]:
    """How many objects there are of each type, once the garbage is collected.

    Only while nobody is here: to list objects breaks a tuple that another thread is making.
    """
    gc.collect()
    kinds = Counter(map(type, gc.get_objects()))
    return {f"{kind.__module__}.{kind.__qualname__}": count for kind, count in kinds.items()}


def _held() -> dict[str, float]:
    from pages.shared.visit import visits  # the lab is loaded by its first visitor
    from tests.local_compute import local

    lab, server = process_state.lab, runtime.get_instance()
    if lab is None:
        raise RuntimeError("there is no lab before its first visitor")
    backbones, scheduler = local(lab).context.backbones, local(lab).queue
    uploads = cast("MemoryUploadedFileManager", server.uploaded_file_mgr).file_storage
    pictures = server._media_file_mgr._files_by_session_and_coord
    with server.media_file_mgr._lock:
        metadata = server.media_file_mgr._file_metadata.copy()
        unseen = server.media_file_mgr._get_inactive_file_ids()  # by any page
    with scheduler._changed:
        here = set(lab._presence._seen)
        jobs = scheduler._active()
        orphans = [job for job in jobs if not (job.cancel_requested or job.owners <= here)]
    return {
        "visits": len(here),
        "codes of visits": len(visits._held),
        "open jobs": len(jobs),
        "jobs without an owner": len(orphans),
        **{f"jobs {state.name.lower()}": count for state, count in scheduler.counts().items()},
        "runners": len(scheduler._runners),
        "visitors charged": len(scheduler._turns.served._seconds),
        "open questions": len(lab._answers._open),
        "runs estimated": len(lab.jobs._estimates._runs),
        "photographs": len(lab.photos._files),
        "photographs being added": len(lab.photos._additions),
        "own models": len(backbones._own),
        "finished pictures MB": lab.memory.noted().total() / 2**20,
        "tabs": len(server._session_mgr.list_active_sessions()),
        "uploaded files": sum(len(of) for of in list(uploads.values())),
        "uploads refused": len(process_state.refused),
        "threads of pools": sum(thread.name.startswith(_POOLS) for thread in threading.enumerate()),
        # But one: Streamlit's loop goes on holding the session that it has served last
        "sessions": max(len(_sessions) - 1, 0),
        "downloads": sum(metadata[file].kind is MediaFileKind.DOWNLOADABLE for file in unseen),
        "media files": sum(sorted(len(of.values()) for of in list(pictures.values()))[:-1]),
    }


def _memory() -> dict[str, float]:
    found: dict[str, float] = {"Python blocks, thousands": sys.getallocatedblocks() / 1000}
    if platform.libc_ver()[0] == "glibc":
        mallinfo = ctypes.CDLL(None).mallinfo2
        mallinfo.restype = _Mallinfo
        info = mallinfo()
        found["malloc in use MB"] = (info.uordblks + info.hblkhd) / 2**20
        found["malloc free MB"] = info.fordblks / 2**20
    lab = process_state.lab
    caches = lab.memory.rows() if lab else []
    return found | {f"kept: {row.kind} MB": row.held_bytes / 2**20 for row in caches}


def _answer(listener: Listener) -> None:
    questions = {"counts": counts, "types": types}
    while True:
        with listener.accept() as line:
            line.send(questions[line.recv()]())


if __name__ == "__main__":
    patch(f"{WebsocketSessionManager.__module__}.AppSession", _NotedSession).start()
    patch.object(downloads, "KEPT_S", float(os.environ["SOAK_DOWNLOAD_S"])).start()
    door = Listener(os.environ["SOAK_DOOR"], "AF_UNIX")
    threading.Thread(target=_answer, args=(door,), name="soak-door", daemon=True).start()
    main(prog_name="streamlit")
