import dataclasses
import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tl_core.datasets.embedding_cache import EmbeddingCache, EmbeddingSpace
from tl_core.settings import Settings

PUBLIC = EmbeddingSpace("lite0", "224")
OWN = EmbeddingSpace("lite0", "224", owner="me")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, weights_dir=tmp_path, cache_dir=tmp_path / "cache")


def rows(*values: float, width: int = 4) -> np.ndarray:
    return np.stack([np.full(width, value, np.float16) for value in values])


def files(settings: Settings) -> list[Path]:
    return [path for path in settings.cache_dir.rglob("*") if path.is_file()]


def test_a_data_sets_embeddings_outlive_the_lab(settings: Settings) -> None:
    EmbeddingCache(settings).put(PUBLIC, ["a", "b"], rows(1, 2))
    found = EmbeddingCache(settings).get(PUBLIC, ["b", "c"])
    assert {key: row.tolist() for key, row in found.items()} == {"b": [2.0] * 4}


def test_networks_and_preprocessings_do_not_mix(settings: Settings) -> None:
    cache = EmbeddingCache(settings)
    cache.put(PUBLIC, ["a"], rows(1))
    for other in ("network", "preprocessing"):
        assert cache.get(dataclasses.replace(PUBLIC, **{other: "x"}), ["a"]) == {}


def test_a_visitors_embeddings_stay_in_memory_and_go_with_the_visit(settings: Settings) -> None:
    cache = EmbeddingCache(settings)
    cache.put(OWN, ["a"], rows(1))
    assert list(cache.get(OWN, ["a"])) == ["a"]
    assert cache.get(dataclasses.replace(OWN, owner="other"), ["a"]) == {}
    assert files(settings) == []
    cache.forget("me")
    assert cache.get(OWN, ["a"]) == {}


def test_memory_stays_inside_its_budget(settings: Settings) -> None:
    cache = EmbeddingCache(dataclasses.replace(settings, feature_memory_mb=1))
    for owner in ("first", "second"):
        space = dataclasses.replace(OWN, owner=owner)
        cache.put(space, ["a"], rows(1, width=300_000))
    assert cache.get(dataclasses.replace(OWN, owner="first"), ["a"]) == {}
    assert list(cache.get(dataclasses.replace(OWN, owner="second"), ["a"])) == ["a"]


def test_memory_is_counted_for_each_visitor(settings: Settings) -> None:
    cache = EmbeddingCache(settings)
    cache.put(OWN, ["a", "b"], rows(1, 2))
    cache.put(dataclasses.replace(OWN, owner="other"), ["a"], rows(1))
    cache.put(PUBLIC, ["a"], rows(1))
    assert cache.held() == {"me": 16, "other": 8}
    cache.forget("me")
    assert cache.held() == {"other": 8}


def test_the_longest_unused_file_leaves_a_full_disk_first(settings: Settings) -> None:
    cache = EmbeddingCache(dataclasses.replace(settings, feature_disk_mb=1))
    for age, key in enumerate("ab"):
        cache.put(PUBLIC, [key], rows(1, width=200_000))
        newest = max(files(settings), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (age, age))
    cache.get(PUBLIC, ["a"])  # touches both files
    for age, path in enumerate(files(settings)):
        os.utime(path, (age, age))
    cache.put(PUBLIC, ["c"], rows(1, width=200_000))
    assert len(files(settings)) == 2
    assert "c" in cache.get(PUBLIC, "abc")


def test_damaged_files_are_ignored(settings: Settings) -> None:
    cache = EmbeddingCache(settings)
    cache.put(PUBLIC, ["a"], rows(1))
    (path,) = files(settings)
    path.write_bytes(path.read_bytes()[:40])
    assert cache.get(PUBLIC, ["a"]) == {}
    cache.put(PUBLIC, ["a"], rows(3))
    assert cache.get(PUBLIC, ["a"])["a"].tolist() == [3.0] * 4


def test_no_damaged_byte_ends_a_run(settings: Settings) -> None:
    cache = EmbeddingCache(settings)
    cache.put(PUBLIC, ["a"], rows(1))
    (path,) = files(settings)
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        found = cache.get(PUBLIC, ["a"])
        assert not found or found["a"].tolist() == [1.0] * 4


def test_a_cache_that_may_only_be_read_is_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    EmbeddingCache(settings).put(PUBLIC, ["a"], rows(1))

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("os.utime", "pathlib.Path.replace"):
        monkeypatch.setattr(name, refuse)
    cache = EmbeddingCache(settings)
    cache.put(PUBLIC, ["b"], rows(2))
    assert list(cache.get(PUBLIC, ["a", "b"])) == ["a"]


def test_labs_that_make_room_in_one_folder_keep_their_embeddings(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    small = dataclasses.replace(settings, feature_disk_mb=1)

    def put(number: int) -> None:
        EmbeddingCache(small).put(PUBLIC, [f"k{number}"], rows(number, width=200_000))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(40)))
    assert caplog.text == ""
    assert len(files(small)) <= 2 + 3  # each of the others may just have added one


def test_writers_side_by_side_lose_nothing(settings: Settings) -> None:
    cache = EmbeddingCache(settings)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: cache.put(PUBLIC, [f"k{n}"], rows(n)), range(20)))
    assert len(cache.get(PUBLIC, [f"k{n}" for n in range(20)])) == 20
    assert all(path.suffix == ".npz" for path in files(settings))


def test_a_disk_that_cannot_be_written_costs_time_only(settings: Settings) -> None:
    settings.cache_dir.write_text("a file, not a folder")
    cache = EmbeddingCache(settings)
    cache.put(PUBLIC, ["a"], rows(1))
    assert cache.get(PUBLIC, ["a"]) == {}


def test_a_disk_with_only_what_is_to_stay_free_keeps_none_and_says_so_in_the_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    usage = SimpleNamespace(free=settings.keep_free_disk_mb * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    cache = EmbeddingCache(settings)
    cache.put(PUBLIC, ["a"], rows(1))
    assert cache.get(PUBLIC, ["a"]) == {}
    assert files(settings) == []
    assert "nearly full" in caplog.text
    usage.free += 2**20
    cache.put(PUBLIC, ["a"], rows(1))
    assert list(cache.get(PUBLIC, ["a"])) == ["a"]
