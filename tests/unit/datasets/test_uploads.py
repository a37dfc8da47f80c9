import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.hostile import large_png, photo, saved
from tests.zips import zipped
from tl_core.datasets import uploads
from tl_core.datasets.dropped_folder import Drop, folder_drops
from tl_core.datasets.dropped_zip import zip_drops
from tl_core.datasets.uploads import OwnUpload, compact, keep_drops, keep_first
from tl_core.errors import UserError
from tl_core.images.decode import content_key
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import memory_limits

MAX_PIXELS = 10**6
Entries = Iterable[tuple[str | zipfile.ZipInfo, bytes]]


def png(number: int) -> bytes:
    return saved(photo(16 + number, 16), "PNG")


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    chance = np.random.default_rng(seed)
    return Image.fromarray(chance.integers(0, 256, (height, width, 3), np.uint8))


def a_zip(entries: Entries, kind: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """A file as Streamlit hands it over."""
    return io.BytesIO(zipped(entries, kind))


def classes(*counts: int) -> list[tuple[str, bytes]]:
    return [
        (f"class {label}/{n}.png", png(100 * label + n))
        for label, count in enumerate(counts)
        for n in range(count)
    ]


def keep(drops: Iterable[Drop]) -> OwnUpload:
    return keep_drops(drops, PhotoStore(2**26, MAX_PIXELS), "me", MAX_PIXELS)


def test_a_zip_with_a_folder_per_class_becomes_classes() -> None:
    upload = keep(zip_drops(a_zip(classes(2, 3))))
    assert [(name, len(keys)) for name, keys in upload.classes] == [("class 0", 2), ("class 1", 3)]


def test_an_outer_folder_and_what_systems_add_are_ignored() -> None:
    extra = [("pets/README.txt", b"hello"), ("__MACOSX/pets/._a", b"x"), ("pets/a/.DS_Store", b"x")]
    inside = [(f"pets/{name}", data) for name, data in classes(2, 2)]
    upload = keep(zip_drops(a_zip([*inside, *extra[:2]])))
    assert [name for name, _ in upload.classes] == ["class 0", "class 1"]
    assert upload.left_out == ()


def test_train_and_val_folders_are_taken_together() -> None:
    files = [(f"{side}/{name}", data) for side in ("train", "val") for name, data in classes(2, 2)]
    assert len(keep(folder_drops(files)).classes) == 2


def test_files_that_are_no_photographs_are_listed() -> None:
    upload = keep(zip_drops(a_zip([*classes(2, 2), ("class 0/notes.txt", b"notes")])))
    assert upload.left_out == ("class 0/notes.txt",)


def test_a_folders_name_becomes_a_class_without_what_is_not_seen() -> None:
    names = ("柴犬（しば）", "cat\u202egpj", "cat\n\u200bgpj")
    found = keep(Drop(name, name, png(n)) for n, name in enumerate(names * 2))
    assert [name for name, _ in found.classes] == ["柴犬（しば）", "catgpj", "cat gpj"]


def test_large_photographs_are_kept_smaller() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (700, 900, 3), np.uint8)
    photos = PhotoStore(2**26, MAX_PIXELS)
    large = saved(Image.fromarray(noise), "PNG")
    drops = [Drop("a", "1", large), Drop("a", "2", png(1)), Drop("b", "3", png(2))]
    upload = keep_drops([*drops, Drop("b", "4", png(3))], photos, "me", MAX_PIXELS)
    kept = photos.photo(upload.classes[0][1][0])
    assert min(kept.size) == 512
    assert len(photos.data(upload.classes[0][1][0])) < len(large)


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("class 0/link.png")
    info.external_attr = 0o120777 << 16
    return info


def bomb() -> io.BytesIO:
    """A small zip whose ten entries say that each unpacks to a gigabyte."""
    packed = a_zip([(f"class {n % 2}/{n}.png", bytes(1013)) for n in range(10)])
    size, claimed = (1013).to_bytes(4, "little"), (2**30).to_bytes(4, "little")
    return io.BytesIO(packed.getvalue().replace(size, claimed))


BAD_ZIPS: dict[str, tuple[Entries, str]] = {
    "path tricks": ([*classes(2, 2), ("../evil.png", png(1))], "outside its own folder"),
    "absolute": ([*classes(2, 2), ("/etc/evil.png", png(1))], "outside its own folder"),
    "drive": ([*classes(2, 2), ("C:evil/x.png", png(1))], "outside its own folder"),
    "link": ([*classes(2, 2), (link(), b"/etc/passwd")], "outside its own folder"),
    "10,000 entries": ([(f"c/{n}.png", b"") for n in range(10_000)], "10000 entries"),
    "non-images": ([("a/1.png", b"x"), ("b/1.png", b"y")], "no photographs that the lab can read"),
    "one empty class": ([*classes(2, 2), ("empty/", b"")], "class empty has no photograph"),
    "one class": (classes(4), "this one has 1"),
    "200 classes": (classes(*[2] * 200), "this one has 200"),
    "one photograph": (classes(1), "this one has 1"),
    "one photograph in a class": (classes(2, 1), "class 1 has 1 different"),
    "no folders": ([("1.png", png(1)), ("2.png", png(2))], "no folders"),
    "nothing": ([], "no folders"),
}


@pytest.mark.parametrize("name", BAD_ZIPS)
def test_a_bad_zip_is_refused_in_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries, sentence = BAD_ZIPS[name]
    packed = a_zip(entries)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence):
        keep(zip_drops(packed))
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_of_ten_gigabytes_is_refused_by_its_list_of_contents() -> None:
    with pytest.raises(UserError, match="unpacks to more than 1024 MB"):
        keep(zip_drops(bomb()))


def test_a_zip_that_lies_about_its_sizes_is_cut_short() -> None:
    packed = a_zip([*classes(2, 2), ("class 0/bomb.png", bytes(2**26))]).getvalue()
    size = (2**26).to_bytes(4, "little")
    lying = packed.replace(size, (1000).to_bytes(4, "little"))
    with pytest.raises(UserError, match="damaged"):
        keep(zip_drops(io.BytesIO(lying)))


@pytest.mark.parametrize("data", [b"", b"not a zip", a_zip(classes(2, 2)).getvalue()[:-40]])
def test_a_damaged_zip_is_refused(data: bytes) -> None:
    with pytest.raises(UserError, match="damaged"):
        keep(zip_drops(io.BytesIO(data)))


def test_a_set_too_large_for_the_album_is_refused() -> None:
    drops = [Drop(name.split("/")[0], name, data) for name, data in classes(20, 20)]
    with pytest.raises(UserError, match="no room for these"):
        keep_drops(drops, PhotoStore(20_000, MAX_PIXELS), "me", MAX_PIXELS)


@pytest.mark.parametrize("name", ["one class", "200 classes", "one photograph in a class"])
def test_a_refused_upload_leaves_no_photograph_in_the_album(name: str) -> None:
    photos = PhotoStore(2**26, MAX_PIXELS)
    with pytest.raises(UserError):
        keep_drops(zip_drops(a_zip(BAD_ZIPS[name][0])), photos, "me", MAX_PIXELS)
    assert content_key(png(0)) not in photos


def test_photographs_beside_folders_of_others_are_listed() -> None:
    beside = [("cat/1.png", png(1)), ("2.PNG", png(2)), ("cat/about.txt", b"my cats")]
    inside = [(f"cat/{name}", data) for name, data in classes(2, 2)]
    for drops in (zip_drops(a_zip([*inside, *beside])), folder_drops([*inside, *beside])):
        upload = keep(drops)
        assert [name for name, _ in upload.classes] == ["class 0", "class 1"]
        assert upload.beside == ("cat/1.png", "2.PNG")
        assert upload.left_out == ()


@pytest.mark.parametrize("name", [b"\0", b"\0.png"])
def test_an_entry_without_a_name_is_damage(name: bytes) -> None:
    packed = a_zip([*classes(2, 2), ("x" * len(name), b"")]).getvalue()
    with pytest.raises(UserError, match="damaged"):
        keep(zip_drops(io.BytesIO(packed.replace(b"x" * len(name), name))))


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_damage_inside_a_zip_is_told_in_a_sentence(kind: int) -> None:
    noise = np.random.default_rng(0).bytes(5000)
    packed = a_zip([*classes(2, 2), ("class 0/noise.png", noise)], kind)
    data = bytearray(packed.getvalue())
    start = data.index(b"class 0/noise.png") + 17
    data[start : start + 4000] = bytes(4000)
    with pytest.raises(UserError, match="damaged"):
        keep(zip_drops(io.BytesIO(bytes(data))))


def test_a_zip_with_very_many_entries_is_refused_by_its_last_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed = a_zip((f"c/{n}", b"") for n in range(70_000))  # more than the short record can count
    monkeypatch.setattr(zipfile, "ZipFile", None)  # must not be called
    with pytest.raises(UserError, match="70000 entries"):
        keep(zip_drops(packed))


@pytest.mark.parametrize("entries", [5200, 60_000])
def test_a_last_record_that_lies_about_the_number_is_not_believed(entries: int) -> None:
    data = bytearray(a_zip((f"c/{n}.png", b"") for n in range(entries)).getvalue())
    record = data.rindex(b"PK\5\6")
    data[record + 8 : record + 12] = bytes((1, 0, 1, 0))
    with pytest.raises(UserError, match="entries, but the lab takes at most"):
        keep(zip_drops(io.BytesIO(bytes(data))))


def test_an_upload_of_too_many_pixels_is_refused_before_they_are_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded = []
    monkeypatch.setattr(uploads, "MAX_TOTAL_PIXELS", 10**6)
    monkeypatch.setattr(uploads, "decode", lambda data, **limits: decoded.append(data))
    files = [(f"{n % 2}/{n}.png", large_png(700, 700) + bytes([n])) for n in range(100)]
    with pytest.raises(
        UserError, match="Together these photographs have more than 1 million pixels"
    ):
        keep(zip_drops(a_zip(files)))
    assert len(decoded) == 2


def test_an_upload_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 50))
    monkeypatch.setattr(uploads, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with pytest.raises(UserError, match="longer than 120 seconds to read"):
        keep(folder_drops(classes(2, 2)))


def test_an_upload_ends_at_its_next_photograph_once_its_owner_is_forgotten() -> None:
    photos, seen = PhotoStore(2**26, MAX_PIXELS), list[str]()

    def drops() -> Iterator[Drop]:
        for name, data in classes(3, 3):
            if len(seen) == 2:
                photos.forget("me")
            seen.append(name)
            yield Drop(name.split("/")[0], name, data)

    with pytest.raises(UserError, match="Your visit ended before"):
        keep_drops(drops(), photos, "me", MAX_PIXELS)
    assert len(seen) == 3
    assert content_key(png(0)) not in photos


def test_the_first_photographs_are_kept_once_and_what_cannot_be_read_is_passed_over() -> None:
    photos = PhotoStore(2**26, MAX_PIXELS)
    files = [png(1), b"no photograph", png(1), png(2), png(3)]
    keys = keep_first(files, 2, photos, "me", MAX_PIXELS)
    assert keys == (content_key(png(1)), content_key(png(2)))
    assert content_key(png(3)) not in photos


def test_a_class_of_thirty_loses_no_photograph_on_the_smallest_server() -> None:
    photos = PhotoStore(memory_limits(0)["photo_memory_mb"] * 2**20, MAX_PIXELS)
    keys = []
    for number in range(30 * 8):
        file = saved(noise(290, 290, seed=number), "PNG", compress_level=0)
        assert len(file) > 250_000
        data = compact(file, MAX_PIXELS)
        assert data == file  # no network looks at less of it
        keys.append(photos.add(data, f"visitor {number % 30}"))
    assert all(key in photos for key in keys)


@pytest.mark.parametrize("side", [800, 1024, 1500])
def test_a_photograph_larger_than_any_network_looks_at_is_kept_smaller(side: int) -> None:
    file = saved(noise(side + 100, side), "JPEG", quality=80)
    assert len(file) > 100_000
    small = compact(file, 10 * MAX_PIXELS)
    assert len(small) < len(file)
    assert min(Image.open(io.BytesIO(small)).size) == 512


def test_a_saved_attack_stays_as_it_is() -> None:
    attack = saved(noise(260, 260), "PNG")
    assert len(attack) > 100_000
    assert compact(attack, MAX_PIXELS) == attack
