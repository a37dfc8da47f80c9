"""The formats of photographs that the lab reads, as rows."""

from collections.abc import Callable
from dataclasses import dataclass

import pillow_heif
from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from tl_core.errors import UserError
from tl_core.images.formats.gif import gif_first_frame, gif_size
from tl_core.images.formats.jpeg import JPEG_SIGNATURE, jpeg_pixels
from tl_core.images.formats.png import PNG_SIGNATURE, png_pixels
from tl_core.images.formats.webp import webp_first_frame, webp_size, webp_table_bytes

Parts = list[memoryview]


@dataclass(frozen=True, slots=True)
class Format:
    """One format: how it is recognised, and how it is read without harm."""

    name: str
    magic: bytes
    at: int  # where in the file the magic stands
    # Pillow's own Image.open would warn about large files, and tries formats that nobody
    # photographs in
    reader: type[ImageFile]
    bytes_per_pixel: int  # most memory that decoding takes, measured over modes and EXIF turns
    needed: Callable[[bytes], Parts] = lambda data: [memoryview(data)]  # what decoding needs of it
    size: Callable[[Parts], tuple[int, int]] | None = None  # where the reader acts on it on opening
    extra_bytes: Callable[[Parts], int] = lambda _parts: 0  # most memory beside that for the pixels


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """Leaves EXIF unread: Pillow looks for a resolution there and warns where it is corrupt."""

    def _read_dpi_from_exif(self) -> None:
        pass


FORMATS = (
    Format("JPEG", JPEG_SIGNATURE, 0, _Jpeg, 13, jpeg_pixels),
    Format("PNG", PNG_SIGNATURE, 0, PngImagePlugin.PngImageFile, 14, png_pixels),
    Format(
        "WebP",
        b"WEBP",
        8,
        WebPImagePlugin.WebPImageFile,
        18,
        webp_first_frame,
        webp_size,
        webp_table_bytes,
    ),
    Format("GIF", b"GIF8", 0, GifImagePlugin.GifImageFile, 12, gif_first_frame, gif_size),
    Format("BMP", b"BM", 0, BmpImagePlugin.BmpImageFile, 12),
    *(
        Format("HEIC", b"ftyp" + brand, 4, pillow_heif.HeifImageFile, 12)
        for brand in (b"hei", b"hev", b"mif1")
    ),
)


def format_of(data: bytes) -> Format:
    """Return the format of a file, recognised by its content.

    Raises:
        UserError: If it is none that the lab reads.
    """
    for row in FORMATS:
        if data.startswith(row.magic, row.at):
            return row
    raise UserError(
        "This file is not a photograph that the lab can read. "
        "Save it as JPEG, PNG, WebP, GIF, BMP or HEIC and drop it again."
    )
