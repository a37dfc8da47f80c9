"""What killed processes left goes with the next start of a lab, and nothing else does."""

import os
from pathlib import Path

from tl_core.fetching import locked
from tl_core.lab import Lab, Settings

WEIGHTS = "resnet18-f37072fd.pth"


def made(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")


def files_below(*folders: Path) -> set[str]:
    return {path.name for folder in folders for path in folder.rglob("*")}


def started_and_closed(settings: Settings) -> None:
    with Lab(settings):
        pass  # what it deletes at its start is over when it is closed


def test_a_start_deletes_what_killed_processes_left(settings: Settings) -> None:
    cache, weights, data = settings.cache_dir, settings.weights_dir, settings.data_dir
    old = cache / "embeddings" / "tiny" / f".a.npz.{'0' * 32}"
    made(old, weights / f"{WEIGHTS}.lock", data / ".eurosat.lock")
    made(
        data / ".eurosat.unfinished" / "Forest" / "1.jpg", data / ".downloads" / "EuroSAT.zip.lock"
    )
    os.utime(old, (0, 0))
    started_and_closed(settings)
    assert not list(cache.rglob(".*"))
    assert files_below(weights, data) == set()


def test_a_start_keeps_what_a_download_goes_on_from(settings: Settings) -> None:
    weights, downloads = settings.weights_dir, settings.data_dir / ".downloads"
    made(*(weights / f"{WEIGHTS}{ending}" for ending in (".part", ".part.json")))
    made(downloads / "EuroSAT.zip")
    started_and_closed(settings)
    kept = {f"{WEIGHTS}.part", f"{WEIGHTS}.part.json", ".downloads", "EuroSAT.zip"}
    assert files_below(weights, settings.data_dir) == kept


def test_a_start_deletes_the_archive_of_a_data_set_that_is_there(settings: Settings) -> None:
    data = settings.data_dir
    made(data / ".downloads" / "EuroSAT.zip", data / ".downloads" / "EuroSAT.zip.part")
    for name in ("Forest", "River"):
        made(data / "eurosat" / name / "1.jpg")
    started_and_closed(settings)
    assert {path.name for path in data.iterdir()} == {"eurosat"}


def test_a_start_disturbs_nobody_at_work(settings: Settings) -> None:
    weights, data = settings.weights_dir, settings.data_dir
    made(weights / WEIGHTS, weights / f"{WEIGHTS}.part", data / ".eurosat.unfinished" / "1.jpg")
    fresh = settings.cache_dir / f".a.npz.{'0' * 32}"
    made(fresh)
    with (
        locked(weights / f"{WEIGHTS}.lock", lambda: None),
        locked(data / ".eurosat.lock", lambda: None),
    ):
        before = files_below(weights, data)
        started_and_closed(settings)
        assert files_below(weights, data) == before
    assert fresh.exists()


def test_a_lab_starts_where_nothing_can_be_deleted(settings: Settings) -> None:
    for folder in (settings.cache_dir, settings.weights_dir, settings.data_dir):
        folder.write_text("a file, not a folder")
    started_and_closed(settings)
