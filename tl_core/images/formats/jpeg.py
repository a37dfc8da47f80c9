"""A JPEG file as its segments: which of them reach the decoder, and how many passes they make."""

import re

from tl_core.errors import UserError
from tl_core.images.formats.metadata import require_little_metadata

JPEG_SIGNATURE = b"\xff\xd8\xff"
# Every pass goes over all pixels: 32 of them over 50 megapixels take 1.5 s. libjpeg writes 10 for
# colour and 18 for CMYK; mozjpeg, which searches for the best division, at most 16.
MAX_PASSES = 32
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_APPLICATION, _COMMENT = range(0xE0, 0xF0), 0xFE
# What begins a segment with a length, and the end; not restarts and zeros inside picture data
_SEGMENT = re.compile(rb"\xff([\xc0-\xc7\xc9-\xcf\xd9-\xef\xfe])")
# JFIF and Adobe say which colours the components are
_NEEDED = {0xE0: b"JFIF\0", 0xE1: b"Exif\0\0", 0xEE: b"Adobe"}


def jpeg_pixels(data: bytes) -> list[memoryview]:
    """Return the parts of a JPEG that decide its pixels, in order; nothing is copied.

    Comments, profiles, previews, everything behind the first picture's end (a phone's video) and
    all EXIF but the first segment are left out. Segments are taken as they are: damage in them is
    the decoder's to find.

    Raises:
        UserError: If there are more than 32 passes, 1 MB or 1,000 segments of headers and metadata.
    """
    view = memoryview(data)
    kept = [view[:2]]
    at, passes, segments, size_bytes = 2, 0, 0, 0
    is_in_scan = has_exif = False
    while found := _SEGMENT.search(data, at):
        start, body, kind = found.start(), found.end(), found[1][0]
        if is_in_scan:
            kept.append(view[at:start])
        if kind == _END_OF_IMAGE:
            return [*kept, view[start:body]]
        at = body + max(2, int.from_bytes(data[body : body + 2]))
        is_in_scan = kind == _START_OF_SCAN
        passes += is_in_scan
        segments += 1
        size_bytes += at - start
        _require_few_passes(passes)
        require_little_metadata(size_bytes, segments)
        is_exif = kind == 0xE1
        if _is_needed(kind, data[body + 2 : body + 8]) and not (is_exif and has_exif):
            has_exif |= is_exif
            kept.append(view[start:at])
    return [*kept, view[at:]] if is_in_scan else kept


def _is_needed(kind: int, begin: bytes) -> bool:
    if kind in _NEEDED:
        return begin.startswith(_NEEDED[kind])
    return kind not in _APPLICATION and kind != _COMMENT


def _require_few_passes(passes: int) -> None:
    if passes > MAX_PASSES:
        raise UserError(
            "This JPEG is stored in more than {limit} passes, which no camera does. "
            "Save it again or choose another photograph.",
            limit=MAX_PASSES,
        )
