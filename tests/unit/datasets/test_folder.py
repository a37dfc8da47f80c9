import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.hostile import photo, saved
from tl_core.datasets.folder import FolderIndex, check_files, is_dataset
from tl_core.errors import UserError

MAX_PIXELS = 10**6
DECODER = "tl_core.images.decode._load"


def fill(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(saved(photo(20 + number), "PNG"))
    return folder


def indexed(folder: Path, cache: Path) -> FolderIndex:
    index = FolderIndex(folder, cache)
    index.add(check_files(folder, index.unknown(), MAX_PIXELS))
    index.save()
    return index


def test_a_folder_per_class_is_a_data_set(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png", "dog/1.png", "dog/2.PNG", "README.md")
    dataset = indexed(folder, tmp_path / "cache").dataset(label="Pets")
    assert dataset.classes == ("cat", "dog")
    assert [(e.label, e.name) for e in dataset.examples] == [
        (0, "cat/1.png"),
        (1, "dog/1.png"),
        (1, "dog/2.PNG"),
    ]
    assert dataset.read(dataset.examples[0]) == (folder / "cat/1.png").read_bytes()


def test_classes_that_look_alike_are_refused(tmp_path: Path) -> None:
    index = indexed(fill(tmp_path / "pets", "cat/1.png", "cat\u200d/1.png"), tmp_path / "cache")
    with pytest.raises(UserError, match="pets has class names that look the same"):
        index.dataset(label="Pets")


def test_train_and_val_folders_become_sides(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets", "train/cat/1.png", "train/dog/1.png", "val/cat/2.png")
    dataset = indexed(folder, tmp_path / "cache").dataset(label="Pets")
    assert dataset.classes == ("cat", "dog")
    assert [e.side for e in dataset.examples] == ["train", "train", "validation"]


def test_unreadable_files_are_listed_and_left_out(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png", "dog/1.png")
    (folder / "dog/broken.jpg").write_bytes(b"\xff\xd8\xff not a photograph")
    (folder / "cat/empty.jpg").write_bytes(b"")
    os.mkfifo(folder / "cat/pipe.jpg")
    dataset = indexed(folder, tmp_path / "cache").dataset(label="Pets")
    assert dataset.left_out == ("cat/empty.jpg", "cat/pipe.jpg", "dog/broken.jpg")
    assert len(dataset.examples) == 2


def test_only_new_and_changed_files_are_checked_again(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png", "dog/1.png", "dog/2.png")
    indexed(folder, tmp_path / "cache")
    (folder / "dog/1.png").write_bytes(saved(photo(33), "PNG"))
    fill(folder, "dog/9.png")
    assert FolderIndex(folder, tmp_path / "cache").unknown() == ["dog/1.png", "dog/9.png"]


def test_a_damaged_index_is_made_again(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png", "dog/1.png")
    indexed(folder, tmp_path / "cache")
    next((tmp_path / "cache" / "index").iterdir()).write_text('[["half a')
    assert len(FolderIndex(folder, tmp_path / "cache").unknown()) == 2


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png", "dog/1.png")
    (tmp_path / "cache").write_text("a file, not a folder")
    assert len(indexed(folder, tmp_path / "cache").dataset(label="Pets").examples) == 2


def test_one_class_is_refused(tmp_path: Path) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png")
    with pytest.raises(UserError, match="fewer than two classes"):
        indexed(folder, tmp_path / "cache").dataset(label="Pets")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("cat/1.png", "dog/1.png"), True),
        (("train/cat/1.png", "train/dog/1.png"), True),
        (("train/cat/1.png", "val/cat/1.png"), False),
        (("cat/1.png",), False),
        ((".hidden/1.png", "cat/1.png"), False),
    ],
)
def test_a_data_set_has_two_classes(tmp_path: Path, names: tuple[str, ...], expected: bool) -> None:
    assert is_dataset(fill(tmp_path / "pets", *names)) is expected


def test_an_index_is_not_kept_where_the_disk_has_only_left_what_is_to_stay_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png", "dog/1.png")
    usage = SimpleNamespace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    index = FolderIndex(folder, tmp_path / "cache", keep_free_bytes=2**20)
    index.add(check_files(folder, index.unknown(), MAX_PIXELS))
    index.save()
    assert len(FolderIndex(folder, tmp_path / "cache").unknown()) == 2
    usage.free += 2**20
    index.save()
    assert FolderIndex(folder, tmp_path / "cache").unknown() == []


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), MemoryError()])
def test_a_photograph_that_could_not_be_read_for_another_reason_is_tried_again(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "pets", "cat/1.png", "dog/1.png")
    index = FolderIndex(folder, tmp_path / "cache")
    with monkeypatch.context() as patch:
        place = "tl_core.datasets.folder.read_regular" if isinstance(error, OSError) else DECODER
        patch.setattr(place, lambda *_: _raise(error))
        index.add(check_files(folder, index.unknown(), MAX_PIXELS))
        index.save()
    assert all(not entry.key for entry in index.known.values())
    again = FolderIndex(folder, tmp_path / "cache")
    assert again.unknown() == list(again.names)


def _raise(error: Exception) -> None:
    raise error
