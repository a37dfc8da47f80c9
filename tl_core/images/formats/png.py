"""A PNG file as its chunks: which of them reach the decoder, and what text a picture carries."""

from collections.abc import Iterator
from itertools import islice

from tl_core.errors import UserError
from tl_core.images.formats.metadata import MAX_METADATA_BYTES

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_TEXT_CHUNKS = frozenset({b"tEXt", b"iTXt"})
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
                "This PNG is cut into more than {limit} pieces. Save it again and drop it again.",
                limit=_MAX_CHUNKS,
            )
        is_too_long = kind == b"eXIf" and end - start > MAX_METADATA_BYTES
        if kind in _PIXEL_CHUNKS and not is_too_long:
            kept.append(view[start:end])
        if kind == b"IEND":
            break
    return kept


def read_png_text(data: bytes) -> dict[str, str]:
    """Return the text that ``encode_png`` wrote into a picture; compressed text is left out.

    Raises:
        UserError: If this is not a PNG, or it carries more than 1 MiB of text.
    """
    if not data.startswith(PNG_SIGNATURE):
        raise UserError(
            "This file carries no settings: they are only in PNG pictures saved by the lab. "
            "Choose such a picture."
        )
    chunks = islice(_chunks(data), _MAX_CHUNKS)
    texts = [
        (kind, data[start + 8 : end - 4]) for kind, start, end in chunks if kind in _TEXT_CHUNKS
    ]
    if sum(len(body) for _, body in texts) > MAX_METADATA_BYTES:
        raise UserError(
            "This picture carries more text than the lab reads. Choose a picture the lab saved."
        )
    return dict(_text(kind, body) for kind, body in texts)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's kind, and where it starts and ends; the last one may end behind the file."""
    at = len(PNG_SIGNATURE)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], at, end
        at = end


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    """Keyword and text; an iTXt chunk has flags, a language and a translation between them."""
    keyword, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        return keyword.decode("latin-1"), rest.decode("latin-1")
    is_compressed = rest[:1] == b"\x01"
    text = b"" if is_compressed else rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return keyword.decode("latin-1"), text.decode("utf-8", "replace")
