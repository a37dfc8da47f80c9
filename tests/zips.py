"""Zips in memory, as people and publishers pack them."""

import io
import zipfile
from collections.abc import Iterable


def zipped(
    entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]], kind: int = zipfile.ZIP_STORED
) -> bytes:
    """A zip of named files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as packed:
        for name, data in entries:
            packed.writestr(name, data)
    return buffer.getvalue()
