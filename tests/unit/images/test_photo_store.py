"""Visitors' photographs: kept by content, shared, forgotten, within a budget."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.hostile import saved
from tl_core.errors import UserError
from tl_core.images import photo_store, samples
from tl_core.images.decode import content_key, decode
from tl_core.images.encode import encode_png
from tl_core.images.photo import to_array
from tl_core.images.photo_store import PhotoStore

SIDE = 64
FILE_BYTES = len(encode_png(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)))


def file(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return encode_png(noise)


def photos(files: float = 100) -> PhotoStore:
    """An photos with room for this many files, and less than that decoded."""
    return PhotoStore(int(files * FILE_BYTES), max_pixels=10_000)


def test_a_file_is_kept_under_its_content():
    kept = photos()
    key = kept.add(file(1), "ann")
    assert key == content_key(file(1))
    assert kept.data(key) == file(1)
    assert kept.photo(key).size == (SIDE, SIDE)


def test_tiny_photographs_count_for_more_than_their_bytes():
    kept = PhotoStore(10 * photo_store._LEAST_BYTES, max_pixels=10_000)
    for shade in range(30):
        kept.add(encode_png(np.full((8, 8, 3), shade, np.uint8)), "ann")
    assert len(kept._files) == 10


def test_a_bad_file_is_refused_and_not_kept():
    kept = photos()
    with pytest.raises(UserError, match="not a photograph"):
        kept.add(b"hello", "ann")
    with pytest.raises(UserError, match="Drop it again"):
        kept.data(content_key(b"hello"))


def test_the_limit_of_pixels_holds():
    with pytest.raises(UserError, match="128 × 128 pixels"):
        photos().add(encode_png(np.zeros((128, 128, 3), np.uint8)), "ann")


def test_the_least_recently_used_leaves_over_budget():
    kept = photos(files=2.5)
    first, second = kept.add(file(1), "ann"), kept.add(file(2), "ann")
    kept.photo(first)
    kept.add(file(3), "ben")
    assert kept.data(first) == file(1)
    with pytest.raises(UserError, match=r"no longer in the lab's memory\. Drop it again"):
        kept.photo(second)


def test_nobody_pushes_out_what_others_hold():
    kept = photos(files=4.5)
    anns = kept.add(file(0), "ann")
    shared = kept.add(file(1), "ann")
    kept.add(file(1), "ben")
    bens = [kept.add(file(seed), "ben") for seed in range(2, 6)]
    assert [key in kept for key in (anns, shared)] == [True, True]
    assert [key in kept for key in bens] == [False, False, True, True]


def test_files_are_kept_together_or_not_at_all():
    kept = photos(files=4.5)
    anns = [kept.add(file(seed), "ann") for seed in range(3)]
    files = {content_key(file(seed)): file(seed) for seed in range(3, 7)}
    with (
        pytest.raises(UserError, match="no room for these"),
        kept.adding("ben") as bens,
    ):
        bens.keep(files)
    assert all(key in kept for key in anns)
    assert not any(key in kept for key in files)


def test_decoded_photographs_stay_while_there_is_room():
    kept = photos()
    key = kept.add(file(1), "ann")
    assert kept.photo(key) is kept.photo(key)


def test_a_decoded_photograph_larger_than_its_share_is_decoded_anew():
    kept = PhotoStore(2**20, max_pixels=2_000_000, decoded_bytes=2**20)
    assert kept.photo("sample:drum") is not kept.photo("sample:drum")


def test_a_file_larger_than_the_budget_is_refused():
    with pytest.raises(UserError, match="the lab takes at most"):
        photos(files=0.5).add(file(1), "ann")


def test_forgetting_a_visitor_drops_what_nobody_else_dropped():
    kept = photos()
    alone, shared = kept.add(file(1), "ann"), kept.add(file(2), "ann")
    kept.add(file(2), "ben")
    kept.forget("ann")
    kept.forget("nobody")
    assert kept.data(shared) == file(2)
    with pytest.raises(UserError, match="Drop it again"):
        kept.photo(alone)


@pytest.mark.parametrize("end", [PhotoStore.forget, PhotoStore.stop_adding])
def test_files_on_their_way_are_not_kept_for_who_was_forgotten(end):
    kept = photos()
    with kept.adding("ann") as anns, kept.adding("ben") as bens:
        end(kept, "ann")
        with pytest.raises(UserError, match="Your visit ended before"):
            anns.keep({"sha256:1": file(1)})
        bens.keep({"sha256:2": file(2)})
    assert "sha256:1" not in kept
    assert "sha256:2" in kept
    assert kept.add(file(1), "ann") in kept  # a visitor who comes back


def test_a_visit_that_ends_while_its_photograph_is_decoded_leaves_nothing(monkeypatch):
    kept = photos()

    def decode_slowly(data, **limits):
        kept.forget("ann")
        return decode(data, **limits)

    monkeypatch.setattr("tl_core.images.photo_store.decode", decode_slowly)
    with pytest.raises(UserError, match="Your visit ended before"):
        kept.add(file(1), "ann")
    assert content_key(file(1)) not in kept


def test_samples_are_photographs_of_the_album():
    kept = PhotoStore(2**24, max_pixels=2_000_000)
    assert kept.data("sample:cat") == samples.read("sample:cat")
    assert kept.photo("sample:cat").size == (451, 300)
    with pytest.raises(UserError, match="no sample photograph"):
        kept.photo("sample:unicorn")


@pytest.mark.parametrize("key", ["", "cat", "sha256:", "sha256:" + "0" * 64, "../etc/passwd"])
def test_unknown_keys_are_refused(key):
    with pytest.raises(UserError, match="Drop it again"):
        photos().photo(key)


def test_many_visitors_at_once_get_their_own_photographs():
    kept = photos(files=20)

    def visit(number: int) -> bool:
        data = file(number % 10)
        key = kept.add(data, f"visitor {number}")
        same = np.array_equal(to_array(kept.photo(key)), to_array(kept.photo(key)))
        return same and kept.data(key) == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(visit, range(80)))


def test_another_encoding_of_the_same_picture_is_another_file():
    kept = photos()
    picture = kept.photo(kept.add(file(1), "ann"))
    assert kept.add(saved(picture, "BMP"), "ann") != content_key(file(1))
