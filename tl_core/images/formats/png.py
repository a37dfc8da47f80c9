"""A PNG file as its chunks: which of them reach the decoder."""

from collections.abc import Iterator

from tl_core.errors import UserError
from tl_core.images.formats.metadata import MAX_METADATA_BYTES

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_MAX_CHUNKS = 50_000  # encoders write one for every 4 to 32 KB of pixels


def png_pixels(data: bytes) -> list[memoryview]:
    """Return the parts of a PNG that decide its pixels, in order; nothing is copied.

    Text, colour profiles and animation, which can be bombs, are left out. Chunks are taken as they
    are: damage in them is the decoder's to find.

    Raises:
        UserError: If it is cut into more than 50,000 chunks.
    """
    view = memoryview(data)
    kept = [view[: len(PNG_SIGNATURE)]]
    for number, (kind, start, end) in enumerate(_chunks(data)):
        if number == _MAX_CHUNKS:
            raise UserError(
                "This PNG is split into more than {limit} pieces. Save it again, then drop it "
                "here.",
                limit=_MAX_CHUNKS,
            )
        is_too_long = kind == b"eXIf" and end - start > MAX_METADATA_BYTES
        if kind in _PIXEL_CHUNKS and not is_too_long:
            kept.append(view[start:end])
        if kind == b"IEND":
            break
    return kept


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's kind, and where it starts and ends; the last one may end behind the file."""
    at = len(PNG_SIGNATURE)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], at, end
        at = end
