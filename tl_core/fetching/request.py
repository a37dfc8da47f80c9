"""What to fetch, and from where: its publisher or a mirror."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tl_core.errors import UserError


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """One file to fetch, and how to know it.

    Raises:
        UserError: If the address is not http or https.
    """

    url: str
    target: Path
    sha256: str = ""  # hexadecimal, all of it or its first digits; empty: not checked
    md5: str = ""  # hexadecimal, for publishers that give no SHA-256
    size_bytes: int | None = None  # about; used until the server names the true size
    keep_free_bytes: int = 64 * 2**20  # of the disk, whatever else fills it meanwhile

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:  # brackets or a port that are none
            is_usable = False
        if not is_usable:
            raise UserError(
                "A download's address must start with http:// or https:// and name a server, "
                "got {url}. Check TL_MIRROR if it is set.",
                url=self.url,
            )

    @property
    def name(self) -> str:
        """What the server calls the file, for messages."""
        return urlsplit(self.url).path.rsplit("/", 1)[-1]

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def unknown_download(name: str, names: Iterable[str]) -> UserError:
    """What to say of a name that is none of ``names``."""
    return UserError(
        "There is nothing called {name} to download. Choose one of: {names}.",
        name=name,
        names=", ".join(names),
    )


def mirrored(url: str, mirror: str) -> str:
    """Return where ``mirror`` (``Settings.mirror``) keeps the file of ``url``.

    A mirror is a flat folder behind a web address; with an empty ``mirror`` the address stays.
    """
    return f"{mirror.rstrip('/')}/{urlsplit(url).path.rsplit('/', 1)[-1]}" if mirror else url
