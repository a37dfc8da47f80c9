"""A few photographs of each class of a large zip: always the same, each one read and decoded."""

import logging
import lzma
import random
import struct
import zipfile
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from tl_core.datasets.catalogue import DataArchive, Handful
from tl_core.errors import UserError
from tl_core.fetching import Check, DownloadRequest, RemoteFile, Report
from tl_core.images.decode import MAX_BYTES, PROBE_SIDE, decode

log = logging.getLogger(__name__)

ZIP_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, RuntimeError, ValueError),
)
_TAIL_BYTES = 2**16 + 2**10  # the end of a zip, where its directory's place is told
_RUN_BYTES = 2 * 2**20  # of neighbours that are loaded at once
_HEADER_BYTES = 512  # before a member's data, more than its name and time take

Photo = tuple[str, str, bytes]  # class, file name, content
_Members = list[zipfile.ZipInfo]


def photos_in_parts(
    request: DownloadRequest,
    archive: DataArchive,
    handful: Handful,
    *,
    max_pixels: int,
    report: Report,
    check: Check,
) -> Iterator[Photo]:
    """Read a handful from the server, and little more than that.

    Raises:
        NoRanges: If the server does not send parts, or with ``FileChanged`` if the file changes.
        UserError: If the server cannot be reached.
    """
    total_bytes = handful.size_bytes
    remote = RemoteFile(
        request, report=lambda done: report(done, max(total_bytes, done)), check=check
    )
    remote.load(max(remote.size_bytes - _TAIL_BYTES, 0), remote.size_bytes)
    with zipfile.ZipFile(remote) as packed:
        drawn = _draw(packed, archive, handful.per_class, check)
        wanted = (info for members in drawn.values() for info in members[: handful.per_class])
        total_bytes = remote.received_bytes + sum(map(_span, wanted))
        yield from _readable(packed, drawn, handful.per_class, max_pixels, remote.load)


def photos_in_file(
    file: Path, archive: DataArchive, handful: Handful, *, max_pixels: int, check: Check
) -> Iterator[Photo]:
    """Read the same handful from a downloaded zip."""
    with zipfile.ZipFile(file) as packed:
        drawn = _draw(packed, archive, handful.per_class, check)
        yield from _readable(packed, drawn, handful.per_class, max_pixels, lambda *_: None)


def _draw(
    packed: zipfile.ZipFile, archive: DataArchive, per_class: int, check: Check
) -> dict[str, _Members]:
    """Return twice ``per_class`` members of each class, the second half to replace damaged ones.

    They lie next to each other from a place that is random, but the same every time.
    """
    classes: dict[str, _Members] = defaultdict(list)
    for info in sorted(packed.infolist(), key=lambda info: info.header_offset):
        check()  # there may be 25,000
        class_name = archive.class_of(PurePosixPath(info.filename))
        if class_name is not None and max(_span(info), info.file_size) <= MAX_BYTES:
            classes[class_name].append(info)
    drawn = {}
    for class_name, members in classes.items():
        first = random.Random(class_name).randrange(max(len(members) - per_class, 0) + 1)
        drawn[class_name] = (members[first:] + members[:first])[: 2 * per_class]
    return drawn


def _readable(
    packed: zipfile.ZipFile,
    drawn: dict[str, _Members],
    per_class: int,
    max_pixels: int,
    load: Callable[[int, int], None],
) -> Iterator[Photo]:
    """The first ``per_class`` photographs of each class that are whole.

    ``load`` is told where in the zip lies what is about to be read.
    """
    for class_name, members in drawn.items():
        waiting, found = deque(members), 0
        while waiting and found < per_class:
            run = _next_run(waiting, per_class - found)
            load(run[0].header_offset, run[-1].header_offset + _span(run[-1]))
            for info in run:
                data = _content(packed, info)
                if _is_photograph(data, max_pixels):
                    found += 1
                    yield class_name, PurePosixPath(info.filename).name, data
                else:
                    log.info("left out, because it is damaged: %s", info.filename)


def _next_run(waiting: deque[zipfile.ZipInfo], count: int) -> _Members:
    """Take up to ``count`` members that follow one another within ``_RUN_BYTES``."""
    run = [waiting.popleft()]
    while waiting and len(run) < count:
        start, last, following = run[0].header_offset, run[-1].header_offset, waiting[0]
        stop = following.header_offset + _span(following)
        if following.header_offset < last or stop > start + _RUN_BYTES:
            break
        run.append(waiting.popleft())
    return run


def _span(info: zipfile.ZipInfo) -> int:
    return info.compress_size + _HEADER_BYTES


def _content(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The member's bytes, none if they are not those that were packed (CRC)."""
    try:
        return packed.read(info)
    except ZIP_DAMAGE:
        return b""


def _is_photograph(data: bytes, max_pixels: int) -> bool:
    try:
        decode(data, max_pixels=max_pixels, at_least=PROBE_SIDE)
    except UserError:
        return False
    return True
