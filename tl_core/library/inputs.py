"""What the library's verbs take: photographs in any form, classes by name, networks by name."""

import errno
import io
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tl_core.errors import UserError
from tl_core.images import samples
from tl_core.machine.files import read_regular
from tl_core.settings import LARGEST_PHOTO_MB

OWNER = "library"  # of photographs and models


def photo_bytes(photo: Any) -> bytes:
    """Return a photograph as a file: of a path, bytes, a PIL picture or uint8 (H, W, 3).

    "sample:cat" and the like are photographs that installed packages carry.

    Raises:
        UserError: If it is none of these, or the file cannot be read.
    """
    if isinstance(photo, bytes | bytearray | memoryview):
        return bytes(photo)
    if isinstance(photo, str) and photo.startswith(samples.PREFIX):
        return samples.read(photo)
    if isinstance(photo, str | os.PathLike):
        return file_bytes(photo, LARGEST_PHOTO_MB)
    from PIL import Image

    if hasattr(photo, "__array__") and not isinstance(photo, Image.Image):
        import numpy as np

        values = np.asarray(photo)
        if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] != 3:
            raise UserError(
                "An array must be a picture of uint8 and shape (H, W, 3), got {dtype} {shape}.",
                dtype=values.dtype,
                shape=values.shape,
            )
        photo = Image.fromarray(values)
    if not isinstance(photo, Image.Image):
        raise UserError(
            "A photograph is a path, a PIL picture, a uint8 array or bytes, not {kind}.",
            kind=type(photo).__name__,
        )
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    return buffer.getvalue()


def file_bytes(path: str | os.PathLike[str], most_mb: int) -> bytes:
    """Return what is in a file of at most so many megabytes.

    Raises:
        UserError: If it cannot be read, or has more.
    """
    try:
        data = read_regular(Path(path).expanduser(), most_mb * 2**20)
        if len(data) > most_mb * 2**20:
            raise OSError(errno.EFBIG, f"it has more than {most_mb} MB")
        return data
    except OSError as error:
        raise UserError(
            "{path} cannot be read ({reason}). Choose another file.",
            path=path,
            reason=error.strerror or type(error).__name__,
        ) from error


def find_class(classes: Sequence[str], wanted: str | int) -> int:
    """Return the index of a class that a person named, by its index or by its name.

    Raises:
        UserError: If there is none; it suggests the nearest names.
    """
    text = str(wanted).strip()
    if text.isdecimal() and int(text) < len(classes):
        return int(text)
    by_name = {name.casefold(): index for index, name in enumerate(classes)}
    if text.casefold() in by_name:
        return by_name[text.casefold()]
    near = [name for name in classes if text.casefold() in name.casefold()]
    near = near or [classes[by_name[name]] for name in get_close_matches(text.casefold(), by_name)]
    raise UserError(
        "There is no class called {name}. {hint}",
        name=text,
        hint=f"Did you mean: {', '.join(near[:5])}?"
        if near
        else f"Give a class name or an index from 0 to {len(classes) - 1}.",
    )
