"""Embeddings that need not be computed again: of data sets on disk, of visitors' own in memory."""

import hashlib
import io
import logging
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from tl_core.fetching import has_room
from tl_core.machine.byte_cache import ByteCache
from tl_core.machine.files import state_of, write_whole
from tl_core.settings import Settings

log = logging.getLogger(__name__)

Rows: TypeAlias = NDArray[np.float16]
_UNREADABLE = (  # whatever zipfile, zlib and numpy say of a damaged file
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """What embeddings have in common that can be compared: the network and the preprocessing.

    With an ``owner`` they are a visitor's own and never reach the disk.
    """

    network: str
    preprocessing: str
    owner: str = ""

    @property
    def folder_name(self) -> str:
        """Name of the folder that holds their files."""
        text = f"{self.network} {self.preprocessing}"
        plain = "".join(c if c.isalnum() else "-" for c in self.network)
        return f"{plain[:40]}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class EmbeddingCache:
    """Embeddings (float16) by content key, for one lab; thread-safe.

    On disk every ``put`` is a file of its own that appears whole, so any number of processes may
    write side by side; the longest unused files leave first. A disk that fails costs time only.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.cache_dir / "embeddings"
        self._disk_bytes = settings.feature_disk_mb * 2**20
        self._keep_free_bytes = settings.keep_free_disk_mb * 2**20
        self._own = ByteCache[Rows](settings.feature_memory_mb * 2**20)

    def get(self, space: EmbeddingSpace, keys: Iterable[str]) -> dict[str, Rows]:
        """Return what is known of ``keys``: one row of shape (D,) each."""
        wanted = set(keys)
        if space.owner:
            own = ((key, self._own.get((space, key))) for key in wanted)
            return {key: row for key, row in own if row is not None}
        found: dict[str, Rows] = {}
        for path in self._files(space):
            found.update(_read(path, wanted))
        return found

    def put(self, space: EmbeddingSpace, keys: Sequence[str], rows: Rows) -> None:
        """Keep ``rows`` (N, D) under ``keys``."""
        if not space.owner:
            if len(keys):
                self._write(space, keys, rows)
            return
        for key, row in zip(keys, rows, strict=True):  # a copy, as a view keeps all rows in memory
            self._own.put((space, key), row.copy(), row.nbytes, owner=space.owner)

    def forget(self, owner: str) -> None:
        """Drop what belongs to a visitor who left."""
        self._own.forget(owner)

    def held(self) -> Counter[str]:
        """Return the bytes in memory for each visitor."""
        return self._own.held()

    def _write(self, space: EmbeddingSpace, keys: Sequence[str], rows: Rows) -> None:
        folder = self._folder / space.folder_name
        packed = io.BytesIO()
        np.savez(packed, keys=np.array(keys), rows=rows)
        try:
            if not has_room(folder, len(packed.getbuffer()), self._keep_free_bytes):
                log.warning("embeddings are not kept in %s: the disk is nearly full", folder)
                return
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / f"{uuid4().hex}.npz", packed.getvalue())
            self._make_room()
        except OSError as error:
            log.warning("embeddings are not kept in %s: %s", folder, error)

    def _files(self, space: EmbeddingSpace) -> list[Path]:
        try:
            return list((self._folder / space.folder_name).glob("*.npz"))
        except OSError:
            return []  # nothing kept yet

    def _make_room(self) -> None:
        files = [(state_of(path), path) for path in self._folder.rglob("*.npz")]
        by_age = sorted(
            (changed_ns, size, path)
            for (size, changed_ns), path in files
            if size >= 0  # another process may have deleted it just now
        )
        used = sum(size for _, size, _ in by_age)
        for _, size, path in by_age:
            if used <= self._disk_bytes:
                return
            path.unlink(missing_ok=True)
            used -= size


def _read(path: Path, wanted: set[str]) -> dict[str, Rows]:
    try:
        # Its own handle: numpy leaves the file open when it finds it damaged
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            keys: list[str] = file["keys"].tolist()
            rows: Any = file["rows"]
    except _UNREADABLE as error:
        log.warning("%s is not an embeddings file and is ignored: %s", path, error)
        return {}
    with suppress(OSError):  # it may be read where nobody may write
        os.utime(path)  # just used
    return {key: row for key, row in zip(keys, rows, strict=False) if key in wanted}
