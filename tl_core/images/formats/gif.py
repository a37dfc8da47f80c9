"""A GIF file as its blocks: which of them the first frame needs."""

import re

from tl_core.images.formats.metadata import require_little_metadata

_HEADER_BYTES = 13
_BLOCK = re.compile(rb"[!,;]")  # an extension, a frame, the end; a decoder skips all else
_FRAME, _EXTENSION = 0x2C, 0x21
_GRAPHIC_CONTROL = 0xF9  # says which colour is transparent


def gif_first_frame(data: bytes) -> list[memoryview]:
    """Return the parts of a GIF that its first frame needs, in order; nothing is copied.

    Comments and application data before it are left out.

    Raises:
        UserError: If there are more than 1 MB or 1,000 blocks of them.
    """
    view = memoryview(data)
    start = at = _HEADER_BYTES + _palette_bytes(data[10:11])
    control = view[:0]
    pieces = 0
    while (found := _BLOCK.search(data, at)) and data[found.start()] == _EXTENSION:
        pieces += 1
        begin = found.start()
        at = begin + 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
            require_little_metadata(at - start, pieces)
        at += 1
        require_little_metadata(at - start, pieces)
        if data[begin + 1 : begin + 2] == bytes([_GRAPHIC_CONTROL]):
            control = view[begin:at]
    return [view[:start], control, *([view[found.start() :]] if found else [])]


def gif_size(parts: list[memoryview]) -> tuple[int, int]:
    """Return width and height of the picture that holds what ``gif_first_frame`` returned.

    Raises:
        ValueError: If it is cut short before them.
    """
    canvas_width, canvas_height = _numbers(parts[0][6:10])
    left, top, width, height = _numbers(parts[-1][1:9])
    return max(canvas_width, left + width), max(canvas_height, top + height)


def _numbers(data: memoryview) -> list[int]:
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


def _palette_bytes(flags: bytes) -> int:
    """Length of the table of colours that these flags announce."""
    has_table = bool(flags) and flags[0] & 0x80
    return 3 * 2 ** (1 + (flags[0] & 7)) if has_table else 0
