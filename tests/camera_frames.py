"""Photographs of the gallery as a browser sends them from a camera."""

import io

from PIL import Image

from tl_core.images.samples import SAMPLES, read

SIDE = 224  # of what EfficientNet-Lite0 sees


def frame_of(sample: str, side: int = SIDE) -> bytes:
    """A JPEG of a sample's photograph, square."""
    with Image.open(io.BytesIO(read(sample))) as photo:
        return as_jpeg(photo.convert("RGB").resize((side, side)))


def as_jpeg(picture: Image.Image) -> bytes:
    """A picture as a browser's canvas encodes it."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95)
    return out.getvalue()


def frames() -> list[bytes]:
    """A frame of each sample."""
    return [frame_of(row.key) for row in SAMPLES]
