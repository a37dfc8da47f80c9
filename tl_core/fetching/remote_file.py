"""A file on a web server that is read in parts: only what is asked for travels."""

import io
import re
from collections.abc import Callable
from typing import Any

from tl_core.fetching.downloader import Retries
from tl_core.fetching.request import DownloadRequest
from tl_core.fetching.response import (
    Check,
    ConnectionBroken,
    StreamedResponse,
    network_error,
    require_success,
    version_of,
)


class NoRanges(Exception):
    """The server does not send parts of this file."""


class FileChanged(NoRanges):
    """A part does not belong to the file that the parts before came from."""


class RemoteFile(io.RawIOBase):
    """The bytes of ``request.url`` by HTTP range requests, seekable, for one thread.

    A read outside of what is held in memory asks the server for just its bytes; ``load`` fetches
    what many small reads are going to want. Broken connections are tried again.

    Args:
        request: What to read; ``target`` names it in messages, nothing is written.
        report: Called in this thread after every chunk with all bytes received so far.
        check: Called for every chunk and at least every ``POLL_S`` seconds; raises to cancel.

    Raises:
        NoRanges: If the server does not send parts; reading may raise ``FileChanged`` too.
        UserError: If the server cannot be reached, or has a problem of its own.
    """

    def __init__(
        self, request: DownloadRequest, *, report: Callable[[int], None], check: Check
    ) -> None:
        super().__init__()
        self._request, self._report, self._check = request, report, check
        self.size_bytes = 0
        self.received_bytes = 0
        self._version = ""  # of the server's file, in every answer after the first
        self._place = 0
        self._held, self._held_from = bytearray(), 0
        self.load(0, 1)  # tells the size; not every server takes a range that counts from the end

    def load(self, start: int, stop: int) -> None:
        """Hold the bytes from ``start`` to before ``stop``, in place of those held so far."""
        stop = min(stop, self.size_bytes or stop)
        self._held, self._held_from = bytearray(), start
        retries = Retries()
        while len(self._held) < stop - start:
            try:
                self._receive(stop)
            except ConnectionBroken as broken:
                is_begun = self.size_bytes > 0
                retries.pause(broken, len(self._held), self._check, is_begun=is_begun)

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place; nothing is fetched."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size_bytes}[whence]
        if origin + offset < 0:
            raise ValueError(f"place must not be negative, got {origin + offset}")
        self._place = origin + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, but for the end of the file."""
        stop = min(self._place + len(buffer), self.size_bytes)
        if stop <= self._place:
            return 0
        if self._place < self._held_from or stop > self._held_from + len(self._held):
            self.load(self._place, stop)
        first = self._place - self._held_from
        count = stop - self._place
        buffer[:count] = self._held[first : first + count]
        self._place = stop
        return count

    def _receive(self, stop: int) -> None:
        """Add what one connection brings, up to ``stop``."""
        start = self._held_from + len(self._held)
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if self._version:
            headers["If-Range"] = self._version
        with StreamedResponse(self._request, headers, self._check) as stream:
            self._accept(stream.response, start)
            left = stop - start
            while left and (chunk := stream.read()[:left]):
                self._held += chunk
                left -= len(chunk)
                self.received_bytes += len(chunk)
                self._report(self.received_bytes)
        if left:
            raise ConnectionBroken(network_error(self._request.host))

    def _accept(self, response: Any, start: int) -> None:
        """Refuse an answer that is not the part of the same file that begins at ``start``."""
        if response.status_code >= 500:
            require_success(self._request, response, expected=206)
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if response.status_code != 206 or found is None or int(found[1]) != start:
            raise FileChanged if self.size_bytes else NoRanges
        size_bytes, version = int(found[2]), version_of(response) or self._version
        if not self.size_bytes:
            self.size_bytes, self._version = size_bytes, version
        if (size_bytes, version) != (self.size_bytes, self._version):
            raise FileChanged
