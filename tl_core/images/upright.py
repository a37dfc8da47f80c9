"""From what a decoder hands over to the photograph the lab works with: upright, opaque, RGB."""

import numpy as np
from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright_rgb(photo: Image.Image) -> Image.Image:
    """Return a decoded picture in RGB without metadata, turned as EXIF says; it may be the same.

    Transparent parts become white; 16-bit grey is scaled to 8 bits.
    """
    orientation = _orientation(photo.info.get("exif") or b"")
    photo = _rgb(photo)
    photo.info = {}  # no place, name or profile of the original ends up in a saved picture
    return photo.transpose(_TURNS[orientation]) if orientation in _TURNS else photo


def _rgb(photo: Image.Image) -> Image.Image:
    if photo.mode.startswith("I"):  # 16 bits a pixel; 65535 / 257 = 255
        grey = np.asarray(photo).clip(0, 65535) // 257
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if not photo.has_transparency_data:
        return photo if photo.mode == "RGB" else photo.convert("RGB")
    cut_out = photo if photo.mode == "RGBA" else photo.convert("RGBA")
    white = Image.new("RGB", photo.size, "white")
    white.paste(cut_out, mask=cut_out.getchannel("A"))
    return white


def _orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 to 8; other numbers where there is none or EXIF is corrupt.

    Not by Pillow's ``exif_transpose``: it reads and writes back every tag for the one that is
    wanted, and warns about each that is corrupt.

    Source:
        CIPA DC-008 (Exif 2.32), tag 0x0112; slices past the end read as 0.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    is_little = tiff.startswith(b"II")

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if is_little else "big")

    first = number(4, 4) + 2
    for at in range(first, first + 12 * number(first - 2, 2), 12):
        if number(at, 2) == 0x0112:
            return number(at + 8, 2)
    return 1
