"""Zips and folders by seed: lying, nested, locked, overlapping, bombs, with absurd names."""

import bz2
import functools
import lzma
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO

from tests.fuzz.bounds import bounded, outcome
from tests.fuzz.pictures import any_picture, mutated
from tests.fuzz.registry import Kind
from tests.hostile import photo, saved
from tl_core.datasets.dropped_folder import Drop, folder_drops
from tl_core.datasets.dropped_zip import zip_drops
from tl_core.datasets.uploads import OwnUpload, keep_drops
from tl_core.images.photo_store import PhotoStore

_MAX_PIXELS = 1_000_000
_MEMORY_BYTES = 128 * 2**20  # an entry of 25 MB, read in pieces, and a decoder
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_LOCKED, _HAS_DESCRIPTOR, _UTF8 = 0x1, 0x8, 0x800
_NAMES = (
    *(b"..", b"../../etc", b"/etc/passwd", b"C:\\evil", b"a\\..\\b", b"//server/share", b"~"),
    *(b"", b".", b"./", b"/", b"a//b", b"a/./b", b"CON", b" ", b"\n", b"\0", b"a\0b.png"),
    *(b"\xff\xfe", b"\xc3\x28", b"\xe2\x80\xae", "猫/犬.png".encode(), b"x" * 5_000),
    *(b"a/" * 900 + b"x.png", b"__MACOSX/x.png", b".hidden/x.png", b"**[x](http://x)**/<b>.png"),
)


@dataclass(frozen=True)
class Entry:
    """One file of a zip; where a field is None, the truth is told."""

    name: bytes
    packed: bytes
    truth: bytes = b""
    method: int = _STORED
    flags: int = _UTF8
    mode: int = 0o100644  # of Unix, with the kind of file
    crc: int | None = None
    size: int | None = None
    offset: int | None = None
    local_name: bytes | None = None


def zipped(entries: list[Entry], comment: bytes = b"", count: int | None = None) -> bytes:
    """A zip of these entries, written as they say."""
    body, listed = bytearray(), bytearray()
    for entry in entries:
        crc = zlib.crc32(entry.truth) if entry.crc is None else entry.crc
        size = len(entry.truth) if entry.size is None else entry.size
        offset = len(body) if entry.offset is None else entry.offset
        local = entry.name if entry.local_name is None else entry.local_name
        numbers = (20, entry.flags, entry.method, 0, 33, crc, len(entry.packed), size)
        told = struct.pack("<5H3I", *numbers)
        body += b"PK\3\4" + told + struct.pack("<2H", len(local), 0) + local + entry.packed
        rest = struct.pack("<5H2I", len(entry.name), 0, 0, 0, 0, entry.mode << 16, offset)
        listed += b"PK\1\2" + struct.pack("<H", 0x314) + told + rest + entry.name
    number = len(entries) if count is None else count
    end = struct.pack("<4H2IH", 0, 0, number, number, len(listed), len(body), len(comment))
    return bytes(body + listed) + b"PK\5\6" + end + comment


@functools.cache
def _small(number: int) -> bytes:
    return saved(photo(16 + number, 16), "PNG")


@functools.cache
def _packed(data: bytes, method: int) -> bytes:
    if method == _DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush()
    if method == _BZIP2:
        return bz2.compress(data)
    if method == _LZMA:
        options = {"id": lzma.FILTER_LZMA1, "preset": 0}
        body = lzma.compress(data, lzma.FORMAT_RAW, filters=[options])
        properties = b"\x5d" + struct.pack("<I", 2**18)
        return struct.pack("<2BH", 9, 4, 5) + properties + body
    return data


def _entry(name: bytes, data: bytes, method: int) -> Entry:
    return Entry(name, _packed(data, method), data, method)


def _honest(chance: random.Random) -> list[Entry]:
    """Two to four classes of two to four photographs."""
    method = chance.choice((_STORED, _DEFLATED, _BZIP2, _LZMA))
    wrapper = chance.choice((b"", b"set/", b"a/b/c/"))
    return [
        _entry(wrapper + b"class %d/%d.png" % (label, n), _small(10 * label + n), method)
        for label in range(chance.randint(2, 4))
        for n in range(chance.randint(2, 4))
    ]


def _bomb(chance: random.Random) -> Entry:
    method = chance.choice((_DEFLATED, _BZIP2, _LZMA))
    return _entry(b"class 0/bomb.png", _zeros(), method)


@functools.cache
def _zeros() -> bytes:
    return bytes(24 * 2**20)


def _spoilt(entry: Entry, chance: random.Random) -> Entry:
    """The entry with one thing wrong."""
    match chance.randrange(10):
        case 0:
            return replace(entry, name=chance.choice(_NAMES))
        case 1:
            return replace(entry, name=entry.name[:8] + chance.choice(_NAMES), flags=0)
        case 2:
            return replace(entry, crc=chance.randrange(2**32))
        case 3:
            return replace(entry, size=chance.choice((0, 1, 10**6, 2**30, 2**32 - 1)))
        case 4:
            return replace(entry, flags=chance.choice((_LOCKED, 0x41, _HAS_DESCRIPTOR, 0xFFFF)))
        case 5:
            return replace(entry, mode=chance.choice((0o120777, 0o060644, 0o040755, 0)))
        case 6:
            return replace(entry, method=chance.choice((1, 6, 8, 9, 12, 14, 93, 95, 99)))
        case 7:
            return replace(entry, offset=chance.choice((0, 1, 30, 10**6, 2**32 - 1)))
        case 8:
            return replace(entry, local_name=chance.choice(_NAMES))
        case _:
            return replace(entry, packed=mutated(entry.packed, chance))


def _lying(chance: random.Random) -> bytes:
    """Some entries spoilt, doubled, or with the place of another."""
    entries = _honest(chance)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(entries))
        entries.insert(at, _spoilt(entries[at], chance))
        if chance.random() < 0.7:
            del entries[at + 1]
    count = chance.choice((None, None, None, 0, 1, 65_535))
    return zipped(
        entries, chance.choice((b"", b"", b"", b"PK\5\6" + bytes(18), b"x" * 65_000)), count
    )


def _filled(chance: random.Random) -> bytes:
    """Honest entries beside bombs, damaged pictures and zips."""
    entries = _honest(chance)
    for number in range(chance.randint(1, 4)):
        inner = chance.choice((any_picture(chance), zipped(_honest(chance)), b"", b"text"))
        name = b"class %d/more %d.jpg" % (chance.randrange(3), number)
        entries.append(_entry(name, mutated(inner, chance), _DEFLATED))
    if chance.random() < 0.3:
        bomb = _bomb(chance)
        entries += [replace(bomb, size=chance.choice((None, 1_000)))] * chance.randint(1, 3)
    return zipped(entries)


def _damaged(chance: random.Random) -> bytes:
    """An honest zip with bytes changed, cut off or put before it."""
    data = zipped(_honest(chance))
    match chance.randrange(3):
        case 0:
            return data[: chance.randrange(len(data))]
        case 1:
            return chance.randbytes(chance.randrange(100)) + data
        case _:
            at = chance.randrange(len(data))
            return data[:at] + mutated(data[at:], chance)


def _check(found: OwnUpload | None, photos: PhotoStore) -> None:
    """All or nothing: what is told is kept, and what is refused leaves nothing."""
    kept = set(photos._files)
    told = {key for _, keys in found.classes for key in keys} if found else set()
    assert kept == told


def _try_zip(make: Callable[[random.Random], bytes], seed: int) -> None:
    data = make(random.Random(seed))
    photos = PhotoStore(2**28, _MAX_PIXELS)
    with bounded(_MEMORY_BYTES):
        found = outcome(lambda: keep_drops(zip_drops(BytesIO(data)), photos, "me", _MAX_PIXELS))
    _check(found, photos)


def _try_honest(seed: int) -> None:
    entries = _honest(random.Random(seed))
    photos = PhotoStore(2**28, _MAX_PIXELS)
    found = keep_drops(zip_drops(BytesIO(zipped(entries))), photos, "me", _MAX_PIXELS)
    assert not found.left_out
    assert sum(len(keys) for _, keys in found.classes) == len(entries)


def _try_folder(seed: int) -> None:
    """A dropped folder whose paths make no sense."""
    chance = random.Random(seed)
    names = [name.decode("utf-8", "surrogateescape") for name in _NAMES]
    files = [
        ("/".join(chance.choices([*names, "a", "b"], k=chance.randint(1, 3))), _small(n))
        for n in range(chance.randint(0, 12))
    ]
    photos = PhotoStore(2**28, _MAX_PIXELS)
    drops: list[Drop] = outcome(lambda: list(folder_drops(files))) or []
    assert all("/" not in drop.class_name for drop in drops)
    found = outcome(lambda: keep_drops(folder_drops(files), photos, "me", _MAX_PIXELS))
    _check(found, photos)


KINDS = (
    Kind("zip-honest", _try_honest, 0.5),
    Kind("zip-lying", functools.partial(_try_zip, _lying), 2),
    Kind("zip-filled", functools.partial(_try_zip, _filled)),
    Kind("zip-damaged", functools.partial(_try_zip, _damaged)),
    Kind("folder-names", _try_folder, 0.5),
)
