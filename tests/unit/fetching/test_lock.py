"""One at work at a time, and no lock file left: tl_core.fetching.lock."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tl_core.fetching import locked, locked_if_free


def test_nobody_shares_a_lock_although_its_file_is_deleted_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_core.fetching.lock.POLL_S", 0.0)
    at_work = threading.Lock()
    rounds: list[int] = []

    def work(number: int) -> None:
        for _ in range(100):
            with locked(tmp_path / "made" / "lock", lambda: None):
                note_alone(number)
            with locked_if_free(tmp_path / "made" / "lock") as is_mine:
                if is_mine:
                    note_alone(number)

    def note_alone(number: int) -> None:
        assert at_work.acquire(blocking=False)
        (tmp_path / f"{number}").touch()  # lets other threads run
        rounds.append(number)
        at_work.release()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(rounds) >= 400
    assert not any((tmp_path / "made").iterdir())


def test_a_lock_in_use_is_not_waited_for_where_that_is_not_wished(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", lambda: None):
        with locked_if_free(tmp_path / "lock") as is_mine:
            assert not is_mine
        assert (tmp_path / "lock").exists()
    with locked_if_free(tmp_path / "lock") as is_mine:
        assert is_mine


def test_a_lock_file_that_a_killed_process_left_is_free_and_goes(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    with locked(tmp_path / "lock", lambda: None):
        pass
    assert not (tmp_path / "lock").exists()


def test_an_error_inside_leaves_no_lock(tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError), locked(tmp_path / "lock", lambda: None):  # noqa: PT011
        fail()
    assert not any(tmp_path.iterdir())
