"""What has arrived of a file, kept so that a later download goes on from there."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tl_core.errors import UserError
from tl_core.fetching.checksums import digest_of, remember
from tl_core.fetching.disk import beside, writing
from tl_core.fetching.request import DownloadRequest
from tl_core.fetching.response import Check, ConnectionBroken, network_error, version_of


def parts_of(target: Path) -> tuple[Path, Path, Path]:
    """Where the lock, the bytes so far and the notes of a download are, beside its target."""
    return beside(target, ".lock"), beside(target, ".part"), beside(target, ".part.json")


class PartialFile:
    """The bytes so far, and which version of the server's file they belong to."""

    def __init__(self, request: DownloadRequest) -> None:
        self._request = request
        _, self._path, self._notes = parts_of(request.target)
        self.size_bytes = self._path.stat().st_size if self._path.is_file() else 0
        self.is_begun = False  # whether a server has answered during this fetch
        self.is_whole = False
        self._digests: dict[str, str] = {}  # of the whole file, once it was compared
        known = self._read_notes()
        self._version = known.get("version", "")
        self.total_bytes: int | None = known.get("total_bytes")
        if self.size_bytes and known.get("url") == request.url and self._version:
            self.is_whole = self.size_bytes == self.total_bytes
        else:
            self.delete()

    def _read_notes(self) -> dict[str, Any]:
        try:
            notes = json.loads(self._notes.read_text())
        except (OSError, ValueError):  # none yet, or cut off by a crash: start over
            return {}
        return notes if isinstance(notes, dict) else {}

    def range_headers(self) -> dict[str, str]:
        """What asks the server for the rest, if its file is still the same."""
        if not self.size_bytes:
            return {}
        return {"Range": f"bytes={self.size_bytes}-", "If-Range": self._version}

    def is_continued_by(self, response: Any) -> bool:
        """Whether the answer is the rest of exactly this file."""
        expected = f"bytes {self.size_bytes}-"
        return (
            response.status_code == 206
            and response.headers.get("Content-Range", "").startswith(expected)
            and version_of(response) in ("", self._version)
        )

    def begin(self, response: Any) -> None:
        """Note the version and size of what is about to arrive."""
        self.is_begun = True
        if self.size_bytes:
            return
        length = response.headers.get("Content-Length", "")
        self.total_bytes = int(length) if length.isdecimal() else None
        self._version = version_of(response)
        notes = {"url": self._request.url, "version": self._version}
        with writing(self._path):
            self._notes.write_text(json.dumps(notes | {"total_bytes": self.total_bytes}))

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], None]]:
        """The part opened for bytes to come; unbuffered, so that a full disk shows at once."""
        with writing(self._path):
            file = self._path.open("ab", buffering=0)

        def append(chunk: bytes) -> None:
            left = memoryview(chunk)
            with writing(self._path):
                while left:
                    written = file.write(left)
                    self.size_bytes += written
                    left = left[written:]

        try:
            yield append
            with writing(self._path):
                os.fsync(file.fileno())
        finally:
            file.close()

    def end(self, host: str) -> None:
        """Say whether the connection ended with the file."""
        if self.total_bytes not in (None, self.size_bytes):
            raise ConnectionBroken(network_error(host))
        self.is_whole = True

    def verify(self, check: Check) -> None:
        """Compare checksums over the whole file on disk; a wrong file is deleted.

        Raises:
            UserError: If it is not the file that was asked for.
        """
        for algorithm, expected in (("sha256", self._request.sha256), ("md5", self._request.md5)):
            if not expected:
                continue
            with writing(self._path):
                found = digest_of(self._path, algorithm, check)
            if not found.startswith(expected.lower()):
                self.delete()
                raise UserError(
                    "What {host} sent as {name} is not the published file (wrong {algorithm}), so "
                    "the lab deleted it. Try again, or use another internet connection.",
                    host=self._request.host,
                    name=self._request.name,
                    algorithm=algorithm,
                )
            self._digests[algorithm] = found

    def move_into_place(self) -> None:
        """Let the whole file appear at the target in one step."""
        with writing(self._path):
            os.replace(self._path, self._request.target)
            self._notes.unlink(missing_ok=True)
        if "sha256" in self._digests:
            remember(self._request.target, self._digests["sha256"])

    def forget_if_empty(self) -> None:
        """Delete the notes of a file of which nothing has arrived: nobody can go on from there."""
        if not self.size_bytes:
            self._notes.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete what has arrived."""
        with writing(self._path):
            self._path.unlink(missing_ok=True)
            self._notes.unlink(missing_ok=True)
        self.size_bytes, self.total_bytes, self._version = 0, None, ""
        self.is_whole = False
