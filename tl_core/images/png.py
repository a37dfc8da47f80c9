"""A PNG file as its chunks: which of them reach the decoder, and what text a picture carries."""

from collections.abc import Iterator

from tl_core.errors import UserError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf"})
_MAX_TEXT_BYTES = 2**20


def only_pixels(data: bytes) -> bytes:
    """Return the PNG without its text, colour profile and animation, which can be bombs.

    Chunks are copied as they are: damage in them is the decoder's to find.
    """
    kept = [chunk for kind, chunk in _chunks(data) if kind in _PIXEL_CHUNKS]
    return b"".join([PNG_SIGNATURE, *kept])


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
    texts = [(kind, chunk[8:-4]) for kind, chunk in _chunks(data) if kind in (b"tEXt", b"iTXt")]
    if sum(len(body) for _, body in texts) > _MAX_TEXT_BYTES:
        raise UserError(
            "This picture carries more text than the lab reads. Choose a picture the lab saved."
        )
    return dict(_text(kind, body) for kind, body in texts)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's kind and its whole bytes; a last one cut short comes as far as it goes."""
    at = len(PNG_SIGNATURE)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], data[at:end]
        at = end


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    """Keyword and text; an iTXt chunk has flags, a language and a translation between them."""
    keyword, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        return keyword.decode("latin-1"), rest.decode("latin-1")
    is_compressed = rest[:1] == b"\x01"
    text = b"" if is_compressed else rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return keyword.decode("latin-1"), text.decode("utf-8", "replace")
