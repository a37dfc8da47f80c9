"""Brings one file from a web server to the disk: resumable, verified, cancellable, never half.

While a file is on its way three more stand beside its target: ``.part`` (the bytes so far),
``.part.json`` (which version of the server's file they belong to) and ``.lock``. What fails or is
cancelled leaves the part, for the next try, and no lock. The target only appears whole and
verified. ``RemoteFile`` reads parts of a file instead, and writes nothing.
"""

from tl_core.fetching.checksums import CheckedFiles as CheckedFiles
from tl_core.fetching.disk import free_bytes as free_bytes
from tl_core.fetching.disk import has_room as has_room
from tl_core.fetching.downloader import Report as Report
from tl_core.fetching.downloader import fetch as fetch
from tl_core.fetching.lock import locked as locked
from tl_core.fetching.lock import locked_if_free as locked_if_free
from tl_core.fetching.partial_file import parts_of as parts_of
from tl_core.fetching.remote_file import (
    FileChanged as FileChanged,
)
from tl_core.fetching.remote_file import (
    NoRanges as NoRanges,
)
from tl_core.fetching.remote_file import (
    RemoteFile as RemoteFile,
)
from tl_core.fetching.request import (
    DownloadRequest as DownloadRequest,
)
from tl_core.fetching.request import (
    mirrored as mirrored,
)
from tl_core.fetching.request import (
    unknown_download as unknown_download,
)
from tl_core.fetching.response import Check as Check
