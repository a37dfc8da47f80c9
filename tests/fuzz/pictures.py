"""Pictures by seed: damaged, spliced, lying, laden with metadata, and honest ones in every form."""

import functools
import io
import random
import re
import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import pillow_heif
from PIL import Image

from tests.fuzz.bounds import bounded, outcome
from tests.fuzz.registry import Kind
from tests.hostile import chunk, exif, formats, ihdr, photo, png, saved
from tl_core.images.decode import count_pixels, decode
from tl_core.images.encode import thumbnail

_MAX_PIXELS = 2_000_000
_LARGEST = 25 * 2**20
_MEMORY_BYTES = 24 * _MAX_PIXELS + 16 * 2**20  # beside the file itself
_SIZES = (0, 1, 7, 8, 64, 255, 256, 1_400, 4_096, 16_384, 32_768, 65_535, 2**31 - 1, 2**32 - 1)


@functools.cache
def _originals() -> tuple[bytes, ...]:
    """A file of each format, plain and with metadata, 64 x 48."""
    image = Image.open(io.BytesIO(formats()["png"]))
    laden = {"exif": exif(6), "icc_profile": b"profile" * 40}
    more = [saved(image, "JPEG", **laden, comment=b"a cat"), saved(image, "WEBP", **laden)]
    more += [saved(image, "PNG", exif=exif(6)), saved(image.quantize(16), "GIF", comment=b"a cat")]
    more += [saved(image.convert("CMYK"), "JPEG", progressive=True, restart_marker_rows=1)]
    return (*formats().values(), *more)


def any_picture(chance: random.Random) -> bytes:
    """An honest file of any format."""
    return chance.choice(_originals())


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The file with one to eight small damages, half of them near its beginning."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(1 + min(len(damaged), chance.choice((64, 700, len(damaged)))))
        length = chance.choice((1, 1, 2, 4, 64))
        match chance.randrange(6):
            case 0:
                damaged[at : at + 1] = bytes([chance.randrange(256)])
            case 1 if at < len(damaged):
                damaged[at] ^= 1 << chance.randrange(8)
            case 2:
                del damaged[at : at + length]
            case 3:
                damaged[at:at] = chance.randbytes(length)
            case 4:
                damaged[at:at] = damaged[at : at + chance.choice((4, 100, 4_000))]
            case _:
                damaged[at : at + length] = chance.choice((b"\0", b"\xff")) * length
    return bytes(damaged)


def _damaged(chance: random.Random) -> bytes:
    return mutated(any_picture(chance), chance)


def _cut(chance: random.Random) -> bytes:
    data = any_picture(chance)
    rest = chance.choice((b"", b"\0" * 5_000, chance.randbytes(5_000), any_picture(chance)))
    return data[: chance.randrange(len(data))] + rest


# Where a segment of a JPEG, a chunk of a PNG or WebP, a box of a HEIC or a block of a GIF begins
_PIECE = re.compile(
    rb"(?=\xff[\xc0-\xfe])"
    rb"|(?=....(?:IHDR|PLTE|IDAT|IEND|acTL|fcTL|fdAT|ftyp|meta|hdlr|iloc|iinf|iprp|mdat))"
    rb"|(?=VP8[XL ]|ANIM|ANMF|ALPH|EXIF|ICCP)|(?=!\xf9|!\xff|,\0\0\0\0)",
    re.DOTALL,
)


def _spliced(chance: random.Random) -> bytes:
    """A file in pieces: some left out, doubled, in another order or from another file."""
    pieces = _PIECE.split(any_picture(chance))
    other = _PIECE.split(any_picture(chance))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(pieces))
        match chance.randrange(4):
            case 0:
                pieces[at : at + 1] = []
            case 1:
                pieces[at:at] = pieces[at : at + 3]
            case 2:
                other_at = chance.randrange(len(other))
                pieces[at:at] = other[other_at : other_at + chance.randint(1, 9)]
            case _:
                pieces.insert(chance.randrange(len(pieces)), pieces.pop(at))
        pieces = pieces or [b""]
    return b"".join(pieces)


def _size(chance: random.Random) -> int:
    return chance.choice((chance.choice(_SIZES), chance.randrange(2**16), chance.randrange(1_400)))


def _lying(chance: random.Random) -> bytes:
    """A header that promises another size, depth or kind of picture than the file holds."""
    width, height = _size(chance), _size(chance)
    kind = chance.choice(("png", "jpeg", "jpeg-progressive", "gif", "bmp", "webp", "heic"))
    data = bytearray(formats()["webp-moving" if kind == "webp" else kind])

    def put(at: int, form: str, *numbers: int) -> None:
        limit = 2 ** (8 * struct.calcsize("<" + form[-1]))
        struct.pack_into(form, data, at, *(number % limit for number in numbers))

    if kind == "png":
        depth, colour = chance.choice((1, 2, 4, 8, 16, 7)), chance.choice((0, 2, 3, 4, 6, 5))
        rows = zlib.compress(bytes(chance.choice((0, 1_000, 10**6))))
        head = ihdr(width % 2**32, height % 2**32, depth, colour)
        return png(head, (b"PLTE", bytes(chance.choice((3, 768)))), (b"IDAT", rows), (b"IEND", b""))
    if kind.startswith("jpeg"):
        at = data.index(b"\xff\xc2" if kind == "jpeg-progressive" else b"\xff\xc0")
        put(at + 5, ">HH", height, width)
        if chance.random() < 0.3:
            data[at + 1] = chance.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA))
    elif kind == "gif":
        put(chance.choice((6, data.index(b",\0\0\0\0") + 5)), "<HH", width, height)
    elif kind == "bmp":
        put(18, "<II", width, height)
        put(28, "<H", chance.choice((1, 4, 8, 16, 24, 32)))
        put(30, "<I", chance.choice((0, 0, 0, 1, 2, 3)))
    elif kind == "webp":
        data[24:30] = struct.pack("<I", width)[:3] + struct.pack("<I", height)[:3]
    else:
        put(data.index(b"ispe") + 8, ">II", width, height)
    return bytes(data)


def _jpeg_segments(chance: random.Random) -> tuple[bytes, int]:
    """One segment, and where in a JPEG it can stand."""
    begin = chance.choice((b"Exif\0\0", b"JFIF\0", b"Adobe", b"ICC_PROFILE\0\1\1", b"MPF\0", b""))
    marker = chance.choice((0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xDB, 0xC4, 0xDD, 0xD0, 0xFF))
    body = begin + bytes(chance.choice((0, 1, 60, 65_000)))
    data = formats()["jpeg"]
    at = chance.choice((2, data.index(b"\xff\xda"), len(data) - 2))
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body, at


def _laden(chance: random.Random) -> bytes:
    """Much of what is not the picture, in one piece or in very many."""
    kind = chance.choice(("jpeg", "jpeg", "png", "gif", "webp"))
    data = formats()[kind]
    body = bytes(chance.choice((0, 1, 60, 250, 65_000)))
    if kind == "jpeg":
        piece, at = _jpeg_segments(chance)
    elif kind == "png":
        name = chance.choice(
            (b"tEXt", b"zTXt", b"iCCP", b"eXIf", b"IDAT", b"PLTE", b"tRNS", b"fdAT")
        )
        piece, at = chunk(name, body), chance.choice((33, len(data) - 12))
    elif kind == "gif":
        block = bytes([len(body[:255])]) + body[:255] if body else b""
        piece = b"!" + chance.choice((b"\xfe", b"\xff", b"\xf9", b"\1")) + block + b"\0"
        at = data.index(b",\0\0\0\0")
    else:
        name = chance.choice((b"EXIF", b"XMP ", b"ICCP", b"ANMF", b"ALPH", b"abcd"))
        piece = name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        at = chance.choice((12, len(data)))
    size = chance.choice((1_000, 10**5, 10**6, 3 * 10**6, 10**6, _LARGEST - 2**16))
    count = max(1, size // max(1, len(piece)))
    laden = data[:at] + piece * count + data[at:]
    if kind == "webp":
        laden = laden[:4] + struct.pack("<I", len(laden) - 8) + laden[8:]
    return laden


@functools.cache
def _progressive() -> bytes:
    """A megapixel in ten passes."""
    return saved(photo(1_000, 1_000), "JPEG", progressive=True, subsampling=0)


def _passes(chance: random.Random) -> bytes:
    """A JPEG whose passes come again and again, in any order."""
    head, *passes = re.split(rb"(?=\xff\xda)", _progressive()[:-2])
    more = chance.choices(passes, k=chance.choice((1, 10, 22, 100)))
    return b"".join([head, *passes, *more, b"\xff\xd9"])


def _honest(chance: random.Random) -> tuple[bytes, tuple[int, int]]:
    """A picture of any size, mode and format, and its size when it stands upright."""
    width, height = chance.randint(8, 300), chance.randint(8, 300)
    noise = np.frombuffer(chance.randbytes(20 * 20 * 4), np.uint8).reshape(20, 20, 4)
    image = Image.fromarray(noise).resize((width, height))  # Pillow cannot save some noise as JPEG
    turn = chance.choice((1, 1, 3, 6, 8))
    if chance.random() < 0.1:
        buffer = io.BytesIO()
        pillow_heif.from_pillow(image.convert("RGB")).save(buffer)
        return buffer.getvalue(), (width, height)
    kind, modes, options = chance.choice(_FORMS)
    extra = {name: chance.choice(values) for name, values in options.items()}
    if kind in ("JPEG", "PNG", "WEBP"):
        extra["exif"] = exif(turn, chance.choice("<>"))
    else:
        turn = 1
    mode = chance.choice(modes)
    picture = image.quantize(chance.randint(2, 256)) if mode == "P" else image.convert(mode)
    data = saved(picture, kind, **extra)
    return data, ((height, width) if turn in (6, 8) else (width, height))


_FORMS: tuple[tuple[str, tuple[str, ...], dict[str, tuple[object, ...]]], ...] = (
    (
        "JPEG",
        ("RGB", "L", "CMYK"),
        {
            "progressive": (False, True),
            "quality": (30, 95),
            "subsampling": (0, 2),
            "restart_marker_rows": (0, 1),
            "icc_profile": (b"", b"profile" * 9_000),
            "comment": (b"", b"my cat"),
        },
    ),
    ("PNG", ("1", "L", "LA", "P", "RGB", "RGBA"), {"compress_level": (0, 6)}),
    ("WEBP", ("RGB", "RGBA"), {"lossless": (False, True), "xmp": (b"", b"<x/>")}),
    ("GIF", ("P", "L"), {"interlace": (0, 1), "comment": (b"", b"my cat")}),
    ("BMP", ("1", "L", "P", "RGB", "RGBA"), {}),
)


def _try(make: Callable[[random.Random], bytes], seed: int) -> None:
    """Read a file in the ways the lab does."""
    chance = random.Random(seed)
    data = make(chance)[:_LARGEST]
    at_least = chance.choice((None, 16))
    with bounded(_MEMORY_BYTES + 3 * len(data)):
        read = outcome(lambda: decode(data, max_pixels=_MAX_PIXELS, at_least=at_least))
        pixels = outcome(lambda: count_pixels(data, max_pixels=_MAX_PIXELS))
        if read is not None:
            assert type(read) is Image.Image
            assert read.mode == "RGB"
            assert not read.info
            assert min(read.size) >= 8
            assert pixels is not None
            assert read.width * read.height <= pixels <= _MAX_PIXELS
            assert thumbnail(read, 96).startswith(b"\xff\xd8")


def _try_honest(seed: int) -> None:
    data, size = _honest(random.Random(seed))
    with bounded(_MEMORY_BYTES):
        assert decode(data, max_pixels=_MAX_PIXELS).size == size


KINDS = (
    Kind("picture-honest", _try_honest),
    Kind("picture-damaged", partial(_try, _damaged), 3),
    Kind("picture-cut", partial(_try, _cut)),
    Kind("picture-spliced", partial(_try, _spliced), 2),
    Kind("picture-passes", partial(_try, _passes), 0.3),
    Kind("picture-lying", partial(_try, _lying), 2),
    Kind("picture-laden", partial(_try, _laden), 2),
)
