import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest

from tl_core.machine.files import GONE, delete_unfinished, state_of, unfinished_below, write_whole


def test_a_file_is_replaced_whole_and_nothing_stands_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "index.json"
    for data in (b"first", b"second, longer"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("index.json")
    write_whole(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "index.json").read_bytes() == b"data"


class FullDisk(io.FileIO):
    def write(self, data: Any) -> int:
        super().write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


def open_on_full_disk(path: Path, mode: str) -> FullDisk:
    return FullDisk(path, mode.replace("b", ""))


def no_rename(_path: Path, _target: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("fails", "how"), [("open", open_on_full_disk), ("replace", no_rename)])
def test_a_disk_that_fails_keeps_the_old_file_and_nothing_of_the_new(
    fails: str, how: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.json"
    write_whole(path, b"old")
    monkeypatch.setattr(Path, fails, how)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def left_by_a_killed_writer(path: Path, *, hours: float) -> Path:
    left = path.with_name(f".{path.name}.{os.urandom(16).hex()}")
    left.write_bytes(b"half")
    long_ago = left.stat().st_mtime - 3600 * hours
    os.utime(left, (long_ago, long_ago))
    return left


def test_the_next_writer_deletes_what_a_killed_one_left_of_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "pho[t]o.png"
    left = left_by_a_killed_writer(path, hours=2)
    fresh = left_by_a_killed_writer(path, hours=0.5)
    other = left_by_a_killed_writer(tmp_path / "photo.png", hours=2)
    write_whole(path, b"data")
    assert not left.exists()
    assert fresh.exists()
    assert other.exists()


def test_what_somebody_still_writes_is_kept_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    class Watched(io.FileIO):
        def write(self, data: Any) -> int:
            os.utime(self.name, (0, 0))
            delete_unfinished(unfinished_below(tmp_path))
            seen.append(Path(str(self.name)).exists())
            return super().write(data)

    def watched(path: Path, mode: str) -> Any:
        return Watched(path, mode.replace("b", ""))

    monkeypatch.setattr(Path, "open", watched)
    write_whole(tmp_path / "a.png", b"data")
    assert seen == [True]
    assert (tmp_path / "a.png").read_bytes() == b"data"


def test_a_folders_unfinished_files_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    left = left_by_a_killed_writer(tmp_path / "inner" / "a.npz", hours=2)
    for name in (".hidden", "a.npz", f"a.npz.{'0' * 32}", f".a.npz.{'0' * 31}"):
        (tmp_path / "inner" / name).touch()
    assert list(unfinished_below(tmp_path)) == [left]
    delete_unfinished(unfinished_below(tmp_path / "missing"))
    delete_unfinished(unfinished_below(tmp_path))
    assert not left.exists()


def test_without_its_folder_a_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "index.json", b"data")


def test_a_state_tells_a_change_of_size_or_time_and_a_lost_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    assert state_of(path) == GONE
    path.write_bytes(b"1234")
    os.utime(path, ns=(5, 5))
    assert state_of(path) == (4, 5)
