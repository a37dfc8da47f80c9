"""The settings that a picture of the lab carries, as any program reads them."""

import io

from PIL.PngImagePlugin import PngImageFile


def png_text(data: bytes) -> dict[str, str]:
    """The text of a PNG, by its keywords."""
    with PngImageFile(io.BytesIO(data)) as picture:
        return {key: str(text) for key, text in picture.text.items()}
