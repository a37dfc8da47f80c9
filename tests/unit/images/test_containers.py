"""What of a file reaches the decoder: the parts that decide its pixels, and little else."""

import io
import random
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.hostile import (
    chunk,
    exif,
    ihdr,
    large_png,
    photo,
    png,
    saved,
    webp_of_many_tables,
    with_segment,
)
from tl_core.datasets.uploads import compact
from tl_core.errors import UserError
from tl_core.images import decode as codec
from tl_core.images.decode import decode
from tl_core.images.encode import thumbnail
from tl_core.images.formats.gif import gif_first_frame
from tl_core.images.formats.jpeg import MAX_PASSES, jpeg_pixels
from tl_core.images.formats.webp import webp_first_frame
from tl_core.images.memory_share import MemoryShare
from tl_core.images.photo import to_array
from tl_core.images.photo_store import PhotoStore

LIMIT = 25_000_000
JPEG, GIF, WEBP = (saved(photo(), kind) for kind in ("JPEG", "GIF", "WEBP"))
PROGRESSIVE = saved(photo(), "JPEG", progressive=True)
MP4 = b"\0\0\0\x18ftypmp42" + random.Random(0).randbytes(2**20) + b"\xff\xda" * 400


def pixels(data: bytes) -> np.ndarray:
    return to_array(decode(data, max_pixels=LIMIT))


def pillows_pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as file:
        return np.asarray(file.convert("RGB"))


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def in_jpeg(piece: bytes, count: int) -> bytes:
    return JPEG[:2] + piece * count + JPEG[2:]


def in_gif(piece: bytes, count: int) -> bytes:
    start = GIF.index(b",\0\0\0\0")
    return GIF[:start] + piece * count + GIF[start:]


def riff(body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def with_passes(count: int) -> bytes:
    """A progressive JPEG whose last pass comes again and again."""
    last = PROGRESSIVE.rindex(b"\xff\xda")
    more = count - PROGRESSIVE.count(b"\xff\xda")
    return PROGRESSIVE[:-2] + PROGRESSIVE[last:-2] * more + b"\xff\xd9"


BOMBS = {
    "jpeg-exif-2-mb": in_jpeg(segment(0xE1, b"Exif\0\0" + b"x" * 26), 60_000),
    "jpeg-exif-24-mb": in_jpeg(segment(0xE1, b"Exif\0\0" + b"x" * 65_000), 380),
    "jpeg-comments": in_jpeg(segment(0xFE, b"x"), 1_001),
    "jpeg-profile": in_jpeg(segment(0xE2, b"ICC_PROFILE\0\1\1" + b"x" * 65_000), 17),
    "jpeg-tables": in_jpeg(segment(0xDB, (b"\0" + b"\1" * 64) * 1_000), 17),
    "jpeg-no-lengths": in_jpeg(b"\xff\xe1\0\0", 1_001),
    "jpeg-behind-a-pass": PROGRESSIVE[:-2] + segment(0xFE, b"x") * 1_001 + b"\xff\xd9",
    "gif-comments": in_gif(b"!\xfe\1x\0", 1_001),
    "gif-long-comment": in_gif(b"!\xfe" + b"\1x" * 600_000 + b"\0", 1),
    "gif-application": in_gif(b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0", 1_001),
}


@pytest.mark.no_cover  # it looks at the processor's time
@pytest.mark.parametrize("name", BOMBS)
def test_a_metadata_bomb_is_refused_at_once(name):
    started = time.thread_time()
    with pytest.raises(UserError, match="more than 1 MB of metadata, or more than 1000 pieces"):
        decode(BOMBS[name], max_pixels=LIMIT)
    assert time.thread_time() - started < 1


def test_honest_metadata_changes_no_pixel():
    laden = JPEG
    for marker, body in (
        (0xE1, b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0" + b"x" * 60_000),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x/>" * 16_000),
        (0xE2, b"ICC_PROFILE\0\1\1" + b"x" * 60_000),
        (0xED, b"Photoshop 3.0\0" + b"8BIM" * 9_000),
        (0xFE, b"my cat"),
    ):
        laden = with_segment(laden, marker, body)
    assert np.array_equal(pixels(laden), pixels(JPEG))
    assert len(b"".join(jpeg_pixels(laden))) < len(JPEG) + 61_000


@pytest.mark.parametrize("options", [{"keep_rgb": True}, {"progressive": True}, {"optimize": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_colours_are_those_that_the_whole_file_has(mode, options):
    data = saved(photo().convert(mode), "JPEG", **options)
    assert np.array_equal(pixels(data), pillows_pixels(data))


def test_a_video_behind_a_photograph_is_no_part_of_it():
    assert np.array_equal(pixels(JPEG + MP4), pixels(JPEG))
    assert b"".join(jpeg_pixels(JPEG + MP4)) == JPEG


def test_passes_are_counted_inside_the_picture_alone():
    preview = with_segment(JPEG, 0xE1, b"Exif\0\0" + b"\xff\xda" * 300)
    assert np.array_equal(pixels(preview), pixels(JPEG))
    assert decode(with_passes(MAX_PASSES), max_pixels=LIMIT).size == (64, 48)
    with pytest.raises(UserError, match="more than 32 passes"):
        decode(with_passes(MAX_PASSES + 1), max_pixels=LIMIT)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_what_libjpeg_writes_has_few_passes(mode):
    data = saved(photo().convert(mode), "JPEG", progressive=True)
    assert data.count(b"\xff\xda") <= 18
    assert decode(data, max_pixels=LIMIT).size == (64, 48)


def test_only_the_first_exif_segment_turns_a_photograph():
    data = with_segment(with_segment(JPEG, 0xE1, exif(3)), 0xE1, exif(6))
    assert np.array_equal(pixels(data), np.rot90(pixels(JPEG), -1))


def test_a_gif_shows_its_first_frame_without_comments():
    data = saved(photo(), "GIF", comment=b"my cat" * 50, transparency=0)
    assert b"my cat" not in b"".join(gif_first_frame(data))
    with Image.open(io.BytesIO(data)) as file:
        white = Image.new("RGBA", file.size, "white")
        expected = Image.alpha_composite(white, file.convert("RGBA")).convert("RGB")
    assert np.array_equal(pixels(data), np.asarray(expected))


def test_a_frame_larger_than_its_canvas_is_refused_by_its_size():
    at = GIF.index(b",\0\0\0\0") + 5
    data = GIF[:at] + struct.pack("<HH", 12_000, 12_000) + GIF[at + 4 :]
    with pytest.raises(UserError, match="12000 × 12000 pixels"):
        decode(data, max_pixels=LIMIT)


def test_a_webp_keeps_its_first_frame_and_its_orientation():
    frames = [photo(), photo().rotate(90)]
    moving = {"save_all": True, "append_images": frames[1:], "duration": 40, "lossless": True}
    laden = {"exif": exif(6), "icc_profile": b"x" * 10**6, "xmp": b"x" * 10**6}
    data = saved(frames[0], "WEBP", **moving, **laden)
    assert np.array_equal(pixels(data), np.rot90(to_array(frames[0]), -1))
    first = b"".join(webp_first_frame(data))
    assert first.count(b"ANMF") == 1
    assert len(first) < 10_000


def test_a_webp_of_very_many_chunks_is_read_up_to_the_first_thousand():
    started = time.thread_time()
    data = riff(WEBP[12:] + b"abcd\0\0\0\0" * 3_000_000)
    assert np.array_equal(pixels(data), pixels(WEBP))
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("kind", [b"IDAT", b"PLTE", b"abcd"])
def test_a_png_in_very_many_pieces_is_refused(kind):
    rows = (b"IDAT", zlib.compress((b"\0" + b"\x80" * 192) * 48))
    end = png(rows, (b"IEND", b""))[8:]
    started = time.thread_time()
    with pytest.raises(UserError, match="more than 50000 pieces"):
        decode(png(ihdr(64, 48)) + chunk(kind, b"") * 1_000_000 + end, max_pixels=LIMIT)
    assert time.thread_time() - started < 1


def test_a_compressed_bmp_is_refused_before_it_is_unpacked_in_python():
    header = struct.pack("<IHHI", 0, 0, 0, 54 + 1024)
    info = struct.pack("<IiiHHIIiiII", 40, 5_000, 5_000, 1, 8, 1, 0, 0, 0, 0, 0)
    data = b"BM" + header + info + bytes(range(256)) * 4 + b"\0\0" * 5_000
    started = time.thread_time()
    with pytest.raises(UserError, match="BMP is compressed"):
        decode(data, max_pixels=LIMIT)
    assert time.thread_time() - started < 1


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8))
LARGE = saved(NOISE, "PNG")  # enough for compact to look at it
WAYS = {
    "decode": lambda: decode(LARGE, max_pixels=LIMIT),
    "compact": lambda: compact(LARGE, LIMIT),
    "album": lambda: PhotoStore(2**24, LIMIT).add(LARGE, "ann"),
}


@pytest.mark.parametrize("way", WAYS)
def test_whoever_decodes_waits_for_room(way, monkeypatch):
    share = MemoryShare(100)
    monkeypatch.setattr(codec, "_SMALL_SHARE", share)
    done = threading.Thread(target=WAYS[way])
    with share.hold(1):
        done.start()
        while not share._waiting:
            assert done.is_alive()
        assert done.is_alive()
    done.join(10)
    assert not done.is_alive()


def test_code_tables_of_a_lossless_webp_count_as_memory(monkeypatch):
    held: list[int] = []

    class Share(MemoryShare):
        def hold(self, size_bytes):
            held.append(size_bytes)
            return super().hold(size_bytes)

    for name in ("_SMALL_SHARE", "_LARGE_SHARE"):
        monkeypatch.setattr(codec, name, Share(2**30))
    assert decode(webp_of_many_tables(64), max_pixels=LIMIT).size == (64, 64)
    assert decode(webp_of_many_tables(512), max_pixels=LIMIT).size == (512, 512)
    assert decode(saved(photo(512, 512), "WEBP"), max_pixels=LIMIT).size == (512, 512)
    per_pixel = [size / side**2 for size, side in zip(held, (64, 512, 512), strict=True)]
    assert per_pixel[0] > 380  # 367 were measured
    assert per_pixel[1] > 380
    assert per_pixel[2] == 18


def test_a_small_photograph_does_not_wait_behind_large_ones(monkeypatch):
    monkeypatch.setattr(codec, "_LARGE_SHARE", share := MemoryShare(100))
    with share.hold(100):
        assert decode(JPEG, max_pixels=LIMIT).size == (64, 48)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own figures")
def test_eight_large_photographs_at_once_take_the_memory_of_a_few():
    script = """
import sys, threading
from pathlib import Path
from tl_core.images.decode import decode
from tl_core.images.encode import thumbnail

def memory_mb(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) // 1024

def show():
    thumbnail(decode(data, max_pixels=25_000_000, at_least=96), 96)

data = sys.stdin.buffer.read()
before = memory_mb("VmRSS")
threads = [threading.Thread(target=show) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(memory_mb("VmHWM") - before)
"""
    data = large_png(5_000, 5_000)
    run = subprocess.run(
        [sys.executable, "-c", script], input=data, capture_output=True, check=True
    )
    assert int(run.stdout) < 500


def test_a_thumbnail_is_made_without_a_copy_of_the_photograph(monkeypatch):
    picture = photo(640, 320)
    monkeypatch.setattr(Image.Image, "copy", None)
    assert thumbnail(picture, 96).startswith(b"\xff\xd8")
