"""Files that visitors drop, by name: honest ones and others."""

import functools

from tests.hostile import ihdr, large_png, photo, png, saved
from tests.zips import zipped


@functools.cache
def files() -> dict[str, bytes]:
    """Every file by its name."""
    pictures = {
        f"good-{side}.jpg": saved(photo(side, side - 40).rotate(side), "JPEG")
        for side in (240, 320, 400, 480)
    }
    good = pictures["good-240.jpg"]
    return {
        **pictures,
        "good.png": saved(photo(224, 224), "PNG"),
        "good.webp": saved(photo(300, 200), "WEBP"),
        "cmyk.jpg": saved(photo(64, 48).convert("CMYK"), "JPEG"),
        "one-pixel.png": saved(photo(1, 1), "PNG"),
        "half.jpg": good[: len(good) // 2],
        "last-byte-is-missing.jpg": good[:-1],
        "81-megapixels.png": large_png(9_000, 9_000),
        "promises-a-lot.png": png(ihdr(65_535, 65_535), (b"IDAT", b""), (b"IEND", b"")),
        "empty.jpg": b"",
        "html.jpg": b"<html>not a cat</html>",
        "only-a-header.heic": b"\0\0\0\x18ftypheic" + bytes(400),
        "../../odd name\u202e.png": saved(photo(80, 60), "PNG"),
        "two-classes.zip": _zip(pictures),
        "one-class.zip": _zip({"good.jpg": good}),
        "loose.zip": _zip(pictures, folders=()),
        "damaged.zip": _zip(pictures)[:-40],
        "not-a.zip": b"PK\x03\x04 no zip",
        "empty.safetensors": b"",
        "not-a-model.safetensors": b"\xff" * 64,
        "no-tensors.safetensors": (2).to_bytes(8, "little") + b"{}",
    }


def names_for(types: list[str]) -> list[str]:
    """The files that a drop zone for these endings takes; all pictures where it takes anything."""
    if types:
        return [name for name in files() if name.endswith(tuple(types))]
    return [name for name in files() if not name.endswith((".zip", ".safetensors"))]


def _zip(pictures: dict[str, bytes], *, folders: tuple[str, ...] = ("cats/", "dogs/")) -> bytes:
    places = folders or ("",)
    return zipped(
        (places[number % len(places)] + name, data)
        for number, (name, data) in enumerate(pictures.items())
    )
