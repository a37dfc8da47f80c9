import os
from pathlib import Path

import pytest

from tl_core.files import GONE, state_of, write_whole


def test_a_file_is_replaced_whole_and_nothing_stands_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "index.json"
    for data in (b"first", b"second, longer"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fails", ["write_bytes", "replace"])
def test_a_disk_that_fails_keeps_the_old_file_and_nothing_of_the_new(
    fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.json"
    write_whole(path, b"old")

    def full(place: Path, _argument: object) -> None:
        with place.open("ab") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, fails, full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_without_its_folder_a_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "index.json", b"data")


def test_a_state_tells_a_change_of_size_or_time_and_a_lost_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    assert state_of(path) == GONE
    path.write_bytes(b"1234")
    os.utime(path, ns=(5, 5))
    assert state_of(path) == (4, 5)
