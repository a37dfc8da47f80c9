"""Damaged, dishonest and absurd files: each must become a photograph or one clear sentence."""

import functools
import io
import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
from PIL import Image

from tests.zips import zipped

Files = list[tuple[str, bytes]]
_LENGTH_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@functools.cache
def hostile_files() -> Files:
    """Named files, the same on every call; about 400, most of them under 10 KB."""
    makers: tuple[Callable[[], Files], ...] = (
        _honest,
        _cut_short,
        _bit_flips,
        _wrong_sizes,
        _lying_headers,
        _png_baggage,
        _jpeg_baggage,
        _strange_modes,
        _other_files,
        _exif,
    )
    return [file for maker in makers for file in maker()]


def photo(width: int = 64, height: int = 48) -> Image.Image:
    """A smooth colourful picture, so that lossy formats keep it."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [255 * x / width, 255 * y / height, 128 + 100 * np.sin(x / 9 + y / 7)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, checksums right."""
    return _SIGNATURE + b"".join(chunk(kind, body) for kind, body in chunks)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def ihdr(width: int, height: int, depth: int = 8, colour: int = 2) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


def large_png(width: int, height: int) -> bytes:
    """A black one-bit picture: honest, and a few KB however large it is."""
    row = b"\0" * (1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(ihdr(width, height, 1, 0), (b"IDAT", body), (b"IEND", b""))


def webp_of_many_tables(side: int) -> bytes:
    """A lossless WebP with code tables of its own for every 4 x 4 pixels; ``side`` up to 1024."""
    bits: list[int] = []

    def put(*fields: tuple[int, int]) -> None:
        bits.extend(value >> place & 1 for value, count in fields for place in range(count))

    # size, no alpha, version, no transform, no cache, tables for 4 x 4 pixels, again no cache
    put((side - 1, 14), (side - 1, 14), (0, 1), (0, 3), (0, 1), (0, 1), (1, 1), (0, 3), (0, 1))
    for symbols in (280, 256):  # of green and red: 256 codes of 8 bits
        put((0, 1), (8, 4), *((int(length in (0, 8)), 3) for length in _LENGTH_ORDER), (0, 1))
        bits.extend([1] * 256 + [0] * (symbols - 256))
    put((1, 4), (1, 4), (1, 4))  # blue, alpha and distance: one symbol
    for table in range((side // 4) ** 2):
        bits.extend(table >> place & 1 for place in (7, 6, 5, 4, 3, 2, 1, 0))
        bits.extend(table >> 8 >> place & 1 for place in (7, 6, 5, 4, 3, 2, 1, 0))
    bits.extend([1, 0, 0, 0] * 5 * (side // 4) ** 2 + [0] * 64)
    body = b"\x2f" + np.packbits(np.array(bits, np.uint8), bitorder="little").tobytes()
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def exif(orientation: int, order: str = "<") -> bytes:
    """An EXIF block that holds the orientation alone."""
    mark = b"II" if order == "<" else b"MM"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    head = struct.pack(order + "HIH", 42, 8, 1)
    return b"Exif\0\0" + mark + head + entry + b"\0" * 4


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """The JPEG with one more segment after its first two bytes."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


@functools.cache
def formats() -> dict[str, bytes]:
    image = photo()
    frames = [image, image.rotate(90), image.rotate(180)]
    heif = io.BytesIO()
    pillow_heif.from_pillow(image).save(heif)
    moving = {"save_all": True, "append_images": frames[1:], "duration": 40}
    return {
        "jpeg": saved(image, "JPEG"),
        "jpeg-progressive": saved(image, "JPEG", progressive=True),
        "png": saved(image, "PNG"),
        "gif": saved(image, "GIF"),
        "webp": saved(image, "WEBP"),
        "webp-lossless": saved(image, "WEBP", lossless=True),
        "bmp": saved(image, "BMP"),
        "heic": heif.getvalue(),
        "gif-moving": saved(frames[0], "GIF", **moving),
        "webp-moving": saved(frames[0], "WEBP", **moving),
        "png-moving": saved(frames[0], "PNG", **moving),
    }


def _honest() -> Files:
    return [(f"honest-{name}", data) for name, data in formats().items()]


def _cut_short() -> Files:
    return [
        (f"cut-{name}-{tenth}0%", data[: len(data) * tenth // 10])
        for name, data in formats().items()
        for tenth in range(1, 10)
    ] + [(f"cut-{name}-last-byte", data[:-1]) for name, data in formats().items()]


def _bit_flips() -> Files:
    chance = random.Random(20240607)
    files = []
    for name, data in formats().items():
        for number in range(16):
            damaged = bytearray(data)
            # half of them in the first 64 bytes, where the headers are
            reach = min(len(data), 64) if number % 2 else len(data)
            for _ in range(1 + number // 4):
                damaged[chance.randrange(reach)] ^= 1 << chance.randrange(8)
            files.append((f"flip-{name}-{number}", bytes(damaged)))
    return files


def _wrong_sizes() -> Files:
    files = [
        (f"size-{w}x{h}-{kind.lower()}", saved(photo(w, h), kind))
        for w, h in ((1, 1), (7, 300), (20_000, 1), (1, 20_000), (20_000, 8))
        for kind in ("PNG", "JPEG", "GIF", "BMP")
    ]
    files.append(("size-1x1-webp", saved(photo(1, 1), "WEBP")))
    return [*files, ("bomb-81-megapixels", large_png(9_000, 9_000))]


def _lying_headers() -> Files:
    """Small files that promise a large or an impossible picture."""
    honest = formats()
    pixels = (b"IDAT", zlib.compress(b"\0" * 1000))
    sizes = [(2**31 - 1, 2**31 - 1), (65_535, 65_535), (0, 0), (0, 64), (6_000, 6_000)]
    files = [(f"lie-png-{w}x{h}", png(ihdr(w, h), pixels, (b"IEND", b""))) for w, h in sizes]
    for w, h in ((65_535, 65_535), (0, 48), (64, 0), (6_000, 6_000)):
        size = struct.pack("<HH", w, h)
        gif = honest["gif"]
        files.append((f"lie-gif-canvas-{w}x{h}", gif[:6] + size + gif[10:]))
        frame = gif.index(b",\0\0\0\0") + 5
        files.append((f"lie-gif-frame-{w}x{h}", gif[:frame] + size + gif[frame + 4 :]))
        jpeg = honest["jpeg"]
        at = jpeg.index(b"\xff\xc0") + 5
        swapped = struct.pack(">HH", h, w)
        files.append((f"lie-jpeg-{w}x{h}", jpeg[:at] + swapped + jpeg[at + 4 :]))
        bmp = honest["bmp"]
        files.append((f"lie-bmp-{w}x{h}", bmp[:18] + struct.pack("<ii", w, h) + bmp[26:]))
        heic = honest["heic"]
        at = heic.index(b"ispe") + 8
        files.append((f"lie-heic-{w}x{h}", heic[:at] + struct.pack(">II", w, h) + heic[at + 8 :]))
    for w, h in ((2**24, 2**24), (16_384, 16_384), (6_000, 6_000)):
        size = struct.pack("<I", w - 1)[:3] + struct.pack("<I", h - 1)[:3]
        webp = honest["webp-moving"]
        files.append((f"lie-webp-{w}x{h}", webp[:24] + size + webp[30:]))
    return files


def _png_baggage() -> Files:
    """Text, profiles and animation that cost more than the picture, or make no sense."""
    zeros = zlib.compress(b"\0" * 2**26, 9)
    pixels = (b"IDAT", zlib.compress((b"\0" + b"\x80" * 192) * 48))
    extras: dict[str, list[tuple[bytes, bytes]]] = {
        "text-1mb": [(b"tEXt", b"Comment\0" + b"x" * 2**20)],
        "ztxt-bomb": [(b"zTXt", b"Comment\0\0" + zeros)],
        "itxt-bomb": [(b"iTXt", b"Comment\0\1\0\0\0" + zeros)],
        "itxt-broken": [(b"iTXt", b"Comment")],
        "many-ztxt-bombs": [(b"zTXt", b"Comment\0\0" + zeros)] * 20,
        "profile-bomb": [(b"iCCP", b"x\0\0" + zeros)],
        "profile-broken": [(b"iCCP", b"x\0\0not compressed")],
        "animation-none": [(b"acTL", struct.pack(">II", 0, 0))],
        "animation-twice": [(b"acTL", struct.pack(">II", 2, 0))] * 2,
        "animation-short": [(b"acTL", b"\0")],
        "many-chunks": [(b"abcd", b"")] * 20_000,
        "exif-broken": [(b"eXIf", b"MM\0*\xff\xff\xff\xff")],
        "transparency-long": [(b"tRNS", b"\0" * 4_000)],
        "palette-long": [(b"PLTE", b"\0" * 3_000)],
        "critical-unknown": [(b"ABCD", b"?")],
        "header-twice": [ihdr(9_000, 9_000)],
    }
    files = [
        (f"png-{name}", png(ihdr(64, 48), *chunks, pixels, (b"IEND", b"")))
        for name, chunks in extras.items()
    ]
    bomb = (b"IDAT", zeros)
    nothing = (b"IEND", b"")
    wrong_sum = png(ihdr(64, 48), pixels, nothing).replace(b"IEND\xae", b"IEND\xaf")
    return [
        *files,
        ("png-idat-bomb", png(ihdr(64, 48), bomb, nothing)),
        ("png-no-idat", png(ihdr(64, 48), nothing)),
        ("png-no-header", png(pixels, nothing)),
        ("png-no-palette", png(ihdr(64, 48, 8, 3), pixels, nothing)),
        ("png-depth-7", png(ihdr(64, 48, 7, 2), pixels, nothing)),
        ("png-wrong-checksum", wrong_sum),
        ("png-signature-only", _SIGNATURE),
        ("png-chunk-too-long", _SIGNATURE + b"\xff\xff\xff\xffIHDR"),
    ]


def _jpeg_baggage() -> Files:
    jpeg = formats()["jpeg"]
    scan = jpeg.index(b"\xff\xda")
    progressive = formats()["jpeg-progressive"]
    last = progressive.rindex(b"\xff\xda")
    return [
        ("jpeg-profile-broken", with_segment(jpeg, 0xE2, b"ICC_PROFILE\0\1\1" + b"?" * 900)),
        ("jpeg-multi-picture-broken", with_segment(jpeg, 0xE2, b"MPF\0II*\0\xff\xff\xff\xff")),
        ("jpeg-photoshop-broken", with_segment(jpeg, 0xED, b"Photoshop 3.0\0" + b"8BIM" * 9)),
        ("jpeg-adobe-broken", with_segment(jpeg, 0xEE, b"Adobe\0")),
        ("jpeg-comments", jpeg[:2] + (b"\xff\xfe\x00\x03x" * 9_000) + jpeg[2:]),
        ("jpeg-no-tables", jpeg[:2] + jpeg[scan:]),
        ("jpeg-header-only", jpeg[:3]),
        ("jpeg-padded", jpeg[:2] + b"\xff" * 9_000 + jpeg[2:]),
        ("jpeg-more-behind", jpeg + b"<script>" * 500),
        ("jpeg-endless-passes", progressive[:-2] + progressive[last:-2] * 5_000 + b"\xff\xd9"),
        ("jpeg-tables-of-zeros", jpeg[:scan].replace(b"\xff\xdb", b"\xff\xdb\0\0") + jpeg[scan:]),
    ]


def _strange_modes() -> Files:
    image = photo()
    grey16 = Image.fromarray(np.linspace(0, 65_535, 64 * 48).reshape(48, 64).astype(np.uint16))
    palette = image.quantize(16)
    see_through = image.copy()
    see_through.putalpha(image.convert("L"))
    files = [
        ("mode-cmyk-jpeg", saved(image.convert("CMYK"), "JPEG")),
        ("mode-grey-jpeg", saved(image.convert("L"), "JPEG")),
        ("mode-16-bit-png", saved(grey16, "PNG")),
        ("mode-palette-transparent-png", saved(palette, "PNG", transparency=3)),
        ("mode-palette-alphas-png", saved(palette, "PNG", transparency=bytes(range(16)))),
        ("mode-rgb-transparent-png", saved(image, "PNG", transparency=(0, 0, 0))),
        ("mode-palette-transparent-gif", saved(palette, "GIF", transparency=3)),
        ("mode-rgba-webp", saved(see_through, "WEBP")),
        ("mode-rgba-bmp", saved(see_through, "BMP")),
    ]
    for mode in ("1", "L", "LA", "P", "RGBA"):
        files.append((f"mode-{mode.lower()}-png", saved(see_through.convert(mode), "PNG")))
    rows16 = zlib.compress((b"\0" + b"\x80\x01" * 64 * 3) * 48)
    wide = png(ihdr(64, 48, 16, 2), (b"IDAT", rows16), (b"IEND", b""))
    clear = (b"tRNS", b"\x80\x01")
    rows_grey = zlib.compress((b"\0" + b"\x80\x01" * 64) * 48)
    grey = png(ihdr(64, 48, 16, 0), clear, (b"IDAT", rows_grey), (b"IEND", b""))
    return [*files, ("mode-48-bit-png", wide), ("mode-16-bit-transparent-png", grey)]


def _other_files() -> Files:
    """Everything that people, or their enemies, call photo.jpg."""
    image = photo()
    noise = random.Random(7).randbytes(4_000)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    return [
        ("not-empty", b""),
        ("not-one-byte", b"\xff"),
        ("not-zeros", b"\0" * 4_000),
        ("not-noise", noise),
        ("not-text", b"I am a cat.\n" * 9),
        ("not-html", b"<!doctype html><title>404</title>"),
        ("not-svg", svg),
        ("not-zip", zipped([("photo.jpg", formats()["jpeg"])])),
        ("not-eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(touch) system\n"),
        ("not-pdf", saved(image, "PDF")),
        ("not-tiff", saved(image, "TIFF")),
        ("not-tiff-huge-tag", b"II*\0\x08\0\0\0\1\0\0\1\4\0\xff\xff\xff\xff\0\0\0\0"),
        ("not-ico", saved(image, "ICO")),
        ("not-ppm", saved(image, "PPM")),
        ("not-tga", saved(image, "TGA")),
        ("not-psd", b"8BPS\0\1" + b"\0" * 40),
        ("not-mp4", b"\0\0\0\x18ftypmp42" + noise),
        ("not-wave", b"RIFF\xff\0\0\0WAVEfmt " + noise),
        *((f"magic-{name}", data[:16] + noise) for name, data in formats().items()),
    ]


def _exif() -> Files:
    image = photo()
    files = []
    for orientation in range(10):
        for order in "<>":
            block = exif(orientation, order)
            name = f"{orientation}-{'little' if order == '<' else 'big'}"
            files.append((f"exif-{name}-jpeg", saved(image, "JPEG", exif=block)))
            files.append((f"exif-{name}-png", saved(image, "PNG", exif=block)))
    files += [(f"exif-{turn}-webp", saved(image, "WEBP", exif=exif(turn))) for turn in range(1, 9)]
    jpeg = formats()["jpeg"]
    blocks = {
        "empty": b"",
        "header-only": b"II*\0",
        "loop": b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 20,
        "far-offset": b"MM\0*\xff\xff\xff\xff",
        "noise": random.Random(3).randbytes(2_000),
        "cut-value": exif(6)[6:-12],
        "huge-count": b"II*\0\x08\0\0\0\1\0\x1a\1\5\0\xff\xff\xff\xff\x08\0\0\0",
    }
    files += [
        (f"exif-{name}", with_segment(jpeg, 0xE1, b"Exif\0\0" + block))
        for name, block in blocks.items()
    ]
    return files
