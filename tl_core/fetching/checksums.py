"""Which files on this disk are those that were published: each is read once and remembered."""

import hashlib
import json
import logging
import os
from itertools import count
from pathlib import Path

from tl_core.fetching.disk import beside, writing
from tl_core.fetching.response import Check
from tl_core.machine.files import GONE, FileState, state_of, write_whole

log = logging.getLogger(__name__)

_seen: dict[Path, tuple[FileState, str]] = {}  # SHA-256 of what this process has read
_UNREADABLE = "unreadable"


class CheckedFiles:
    """What is known of files by their size and time of change; thread-safe.

    A process reads a file once. ``folder`` keeps the result for later processes; the time to read
    500 MB is two seconds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_published(self, path: Path, sha256: str) -> bool | None:
        """Whether the file is the published one; ``None`` if nobody has read it as it is now."""
        state = state_of(path)
        digest = _digest_seen(path, state) or self._stored_digest(path, state)
        return digest.startswith(sha256.lower()) if digest else None

    def check(self, path: Path, sha256: str) -> bool:
        """Read the file, unless that is done, and say whether it is the published one."""
        known = self.is_published(path, sha256)
        if known is None:
            known = matches(path, sha256)
            self._store_digest(path)
        return known

    def _stored_digest(self, path: Path, state: FileState) -> str:
        try:
            name, size_bytes, changed_ns, digest = json.loads(self._record(path).read_text())
        except (OSError, ValueError, TypeError):
            return ""  # not stored yet, or cut off by a crash: the file is read again
        if (name, size_bytes, changed_ns) != (str(path), *state) or not isinstance(digest, str):
            return ""
        remember(path, digest)
        return digest

    def _store_digest(self, path: Path) -> None:
        state, digest = _seen[path]
        if digest == _UNREADABLE:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._record(path), json.dumps([str(path), *state, digest]).encode())
        except OSError as error:
            log.warning("the checksum of %s is not kept: %s", path, error)

    def _record(self, path: Path) -> Path:
        return self._folder / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.json"


def matches(path: Path, sha256: str, check: Check = lambda: None) -> bool:
    """Whether the file can be read and its SHA-256 begins so; this process reads it once.

    ``check`` is called while it is read and raises to cancel.
    """
    state = state_of(path)
    digest = _digest_seen(path, state)
    if not digest:
        try:
            digest = digest_of(path, "sha256", check)
        except OSError as error:
            log.warning("%s cannot be read: %s", path, error)
            digest = _UNREADABLE
        _seen[path] = state, digest
    return digest.startswith(sha256.lower())


def digest_of(path: Path, algorithm: str, check: Check) -> str:
    """Return a file's checksum in hexadecimal digits."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            check()
            digest.update(chunk)
    return digest.hexdigest()


def remember(path: Path, digest: str) -> None:
    """Note for this process what the SHA-256 of the file is as it stands."""
    _seen[path] = state_of(path), digest


def set_aside(path: Path) -> Path:
    """Rename a file that is not what it should be; nothing is deleted. Return its new place.

    Raises:
        UserError: If the folder does not let it.
    """
    endings = (".damaged" if number == 1 else f".damaged-{number}" for number in count(1))
    place = next(place for ending in endings if not (place := beside(path, ending)).exists())
    with writing(path):
        os.replace(path, place)
    log.warning("%s is not the published file; it was set aside as %s", path, place.name)
    return place


def _digest_seen(path: Path, state: FileState) -> str:
    seen, digest = _seen.get(path, (GONE, ""))
    return digest if seen == state else ""
