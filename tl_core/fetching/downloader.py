"""The download itself: alone, resumed, retried, verified, moved into place."""

import os.path
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tl_core.fetching.checksums import matches, set_aside
from tl_core.fetching.disk import require_room, writing
from tl_core.fetching.lock import locked
from tl_core.fetching.partial_file import PartialFile, parts_of
from tl_core.fetching.request import DownloadRequest
from tl_core.fetching.response import (
    POLL_S,
    Check,
    ConnectionBroken,
    StreamedResponse,
    require_success,
)

RETRY_WAITS_S = (1.0, 2.0, 4.0)  # before each further try after a broken connection
FRESH_TRIES_BYTES = 2**20  # a connection that brought this much more earns all its tries again

Report = Callable[[int, int | None], None]  # bytes so far, and in all where that is known


def fetch(request: DownloadRequest, *, report: Report, check: Check) -> Path:
    """Return ``request.target``, downloaded unless it is there as it was published.

    A file there that is another one is set aside: renamed, with ``.damaged`` added to its name.

    Callers in other threads and processes that want the same target wait for the one at work.
    After a cancel or an error the next call goes on where this one stopped.

    Args:
        request: What to fetch.
        report: Called in this thread after every chunk.
        check: Called for every chunk and at least every ``POLL_S`` seconds; raises to cancel.

    Raises:
        UserError: If the file cannot be had; the sentence says why and what to do.
    """
    check()
    if not _is_there(request, check):
        with _locked(request.target, check):
            if not _is_there(request, check):  # somebody else may have finished it meanwhile
                if request.target.is_file():
                    set_aside(request.target)
                _download(request, report, check)
    return request.target


def _is_there(request: DownloadRequest, check: Check) -> bool:
    if not os.path.isfile(request.target):  # never raises; making its folder then says why
        return False
    return not request.sha256 or matches(request.target, request.sha256, check)


@contextmanager
def _locked(target: Path, check: Check) -> Iterator[None]:
    """Hold the target's lock; what is wrong with the folder is put into words."""
    with ExitStack() as stack:
        with writing(target):
            stack.enter_context(locked(parts_of(target)[0], check))
        yield


class Retries:
    """Whether a broken connection is tried again, and how long that waits.

    Args:
        arrived_bytes: What had arrived before the first try.
    """

    def __init__(self, arrived_bytes: int = 0) -> None:
        self._tries, self._mark = 0, arrived_bytes

    def pause(
        self, broken: ConnectionBroken, arrived_bytes: int, check: Check, *, is_begun: bool
    ) -> None:
        """Wait before the next try; a server that has not answered yet gets none.

        Raises:
            UserError: If there is none left.
        """
        if arrived_bytes >= self._mark + FRESH_TRIES_BYTES:
            self._tries, self._mark = 0, arrived_bytes
        if not is_begun or self._tries == len(RETRY_WAITS_S):
            raise broken.reason from broken
        end = time.monotonic() + RETRY_WAITS_S[self._tries]
        while (left := end - time.monotonic()) > 0:
            check()
            time.sleep(min(POLL_S, left))
        self._tries += 1


def _download(request: DownloadRequest, report: Report, check: Check) -> None:
    part = PartialFile(request)
    try:
        _receive_all(request, part, report, check)
        part.verify(check)
        part.move_into_place()
    finally:
        part.forget_if_empty()


def _receive_all(request: DownloadRequest, part: PartialFile, report: Report, check: Check) -> None:
    """Append what is missing, over as many connections as it takes."""
    retries = Retries(part.size_bytes)
    while not part.is_whole:
        try:
            _receive(request, part, report, check)
        except ConnectionBroken as broken:
            retries.pause(broken, part.size_bytes, check, is_begun=part.is_begun)


def _receive(request: DownloadRequest, part: PartialFile, report: Report, check: Check) -> None:
    """Append to the part what one connection brings; an unusable part is emptied instead."""
    require_room(
        request.target, (request.size_bytes or 0) - part.size_bytes, request.keep_free_bytes
    )
    with StreamedResponse(request, part.range_headers(), check) as stream:
        status = stream.response.status_code
        if part.size_bytes and status in (206, 416) and not part.is_continued_by(stream.response):
            part.delete()
            return  # the caller asks again, from the beginning
        if part.size_bytes and status == 200:
            part.delete()  # the file has changed, or the server cannot resume: this is all of it
        require_success(request, stream.response, expected=206 if part.size_bytes else 200)
        part.begin(stream.response)
        total = part.total_bytes or request.size_bytes
        require_room(request.target, (total or 0) - part.size_bytes, request.keep_free_bytes)
        report(part.size_bytes, total)
        with part.appending() as append:
            while chunk := stream.read():
                require_room(request.target, len(chunk), request.keep_free_bytes)
                append(chunk)
                report(part.size_bytes, total)
    part.end(request.host)
