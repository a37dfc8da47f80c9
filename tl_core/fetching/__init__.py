"""Brings one file from a web server to the disk: resumable, verified, cancellable, never half.

While a file is on its way three more stand beside its target: ``.part`` (the bytes so far),
``.part.json`` (which version of the server's file they belong to) and ``.lock``. What fails or is
cancelled leaves the part, for the next try, and no lock. The target only appears whole and
verified. ``RemoteFile`` reads parts of a file instead, and writes nothing.
"""

from tl_core.fetching.checksums import CheckedFiles
from tl_core.fetching.disk import free_bytes, has_room
from tl_core.fetching.downloader import Report, fetch
from tl_core.fetching.lock import locked, locked_if_free
from tl_core.fetching.partial_file import parts_of
from tl_core.fetching.remote_file import FileChanged, NoRanges, RemoteFile
from tl_core.fetching.request import DownloadRequest, mirrored, unknown_download
from tl_core.fetching.response import Check

__all__ = [
    "Check",
    "CheckedFiles",
    "DownloadRequest",
    "FileChanged",
    "NoRanges",
    "RemoteFile",
    "Report",
    "fetch",
    "free_bytes",
    "has_room",
    "locked",
    "locked_if_free",
    "mirrored",
    "parts_of",
    "unknown_download",
]
