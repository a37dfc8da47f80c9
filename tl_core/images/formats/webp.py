"""A WebP file as its chunks: which of them the first frame needs."""

from collections.abc import Iterator
from itertools import islice

from tl_core.images.formats.metadata import MAX_METADATA_BYTES

_HEADER_BYTES = 12  # RIFF, length, WEBP
_LOOKED_AT = 1000  # chunks; metadata behind more frames than that is not looked for
_TABLE_BYTES = 12_000
_LEAST_TABLE_BITS = 20  # five codes of one symbol
_FIRST_OF = frozenset({b"VP8X", b"ANIM", b"ALPH", b"VP8 ", b"VP8L", b"ANMF", b"EXIF"})


def webp_first_frame(data: bytes) -> list[memoryview]:
    """Return the parts of a WebP that its first frame needs, in order; pixels are not copied.

    Profiles, XMP, unknown chunks, further frames and EXIF over 1 MB are left out.
    """
    kept: dict[bytes, memoryview] = {}
    for kind, chunk in islice(_chunks(data), _LOOKED_AT):
        is_too_long = kind == b"EXIF" and len(chunk) > MAX_METADATA_BYTES
        if kind in _FIRST_OF and kind not in kept and not is_too_long:
            kept[kind] = chunk
    length = 4 + sum(len(chunk) for chunk in kept.values())
    header = b"RIFF" + length.to_bytes(4, "little") + b"WEBP"
    return [memoryview(header), *kept.values()]


def webp_size(parts: list[memoryview]) -> tuple[int, int]:
    """Return width and height of the canvas, which libwebp allocates on opening it.

    ``parts`` are a WebP as ``webp_first_frame`` leaves it.

    Raises:
        ValueError: If there is no picture in it.

    Source:
        RFC 9649, sections 2.5 to 2.7 and 3.4.
    """
    for chunk in parts[1:]:
        kind, body = bytes(chunk[:4]), chunk[8:18]
        if kind == b"VP8X":
            return 1 + _number(body[4:7]), 1 + _number(body[7:10])
        if kind == b"VP8L":
            bits = _number(body[1:5])
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        if kind == b"VP8 ":
            return _number(body[6:8]) & 0x3FFF, _number(body[8:10]) & 0x3FFF
    raise ValueError("no picture in this WebP")


def webp_table_bytes(parts: list[memoryview]) -> int:
    """Return the most memory that the code tables of lossless picture or alpha data can take.

    The format allows tables of their own for every 4 x 4 pixels, where an honest encoder writes
    2,600 at most, and only decoding shows how many there are.

    Source:
        RFC 9649, section 6.2; libwebp's FIXED_TABLE_SIZE and its limit on groups.
    """
    if not any(bytes(chunk[:4]) in (b"VP8L", b"ALPH", b"ANMF") for chunk in parts[1:]):
        return 0
    width, height = webp_size(parts)
    bits = 8 * sum(len(chunk) for chunk in parts)
    tables = min(-(-width // 4) * -(-height // 4), bits // _LEAST_TABLE_BITS, 2**16)
    return tables * _TABLE_BYTES


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk's kind and its whole bytes, padding included; a last one may be cut short."""
    view = memoryview(data)
    at = _HEADER_BYTES
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        yield data[at : at + 4], view[at:end]
        at = end


def _number(data: memoryview) -> int:
    return int.from_bytes(data, "little")
