"""Files that visitors drop, by name: honest ones and others."""

import functools
import io
import zipfile

from tests.hostile import hostile_files, photo, saved

_HOSTILE = (
    "bomb-81-megapixels",
    "cut-jpeg-50%",
    "flip-png-3",
    "jpeg-endless-passes",
    "lie-png-6000x6000",
    "magic-heic",
    "mode-cmyk-jpeg",
    "not-empty",
    "not-html",
    "png-idat-bomb",
    "size-1x1-png",
)


@functools.cache
def files() -> dict[str, bytes]:
    """Every file by its name."""
    found = dict(hostile_files())
    pictures = {
        f"good-{side}.jpg": saved(photo(side, side - 40).rotate(side), "JPEG")
        for side in (240, 320, 400, 480)
    }
    return {
        **pictures,
        "good.png": saved(photo(224, 224), "PNG"),
        "good.webp": saved(photo(300, 200), "WEBP"),
        **{f"{name}.jpg": found[name] for name in _HOSTILE},
        "../../odd name\u202e.png": saved(photo(80, 60), "PNG"),
        "two-classes.zip": _zip(pictures),
        "one-class.zip": _zip({"good.jpg": pictures["good-240.jpg"]}),
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
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for place, (name, data) in enumerate(pictures.items()):
            file.writestr(f"{folders[place % len(folders)] if folders else ''}{name}", data)
    return packed.getvalue()
