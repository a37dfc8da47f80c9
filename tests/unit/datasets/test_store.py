import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from torchvision import datasets as published

from tests.hostile import photo, saved
from tl_core.datasets.catalogue import DATASETS, DataArchive
from tl_core.datasets.store import DatasetStore, own_dataset
from tl_core.errors import UserError
from tl_core.images.decode import decode
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import Settings


@pytest.fixture
def datasets(tmp_path: Path) -> DatasetStore:
    return DatasetStore(
        Settings(data_dir=tmp_path / "data", weights_dir=tmp_path, cache_dir=tmp_path / "cache")
    )


def test_keys_are_unique_and_classes_plausible() -> None:
    keys = [row.key for row in DATASETS]
    assert len(set(keys)) == len(keys)
    assert all(row.classes >= 2 and row.licence for row in DATASETS)


def test_addresses_and_checksums_are_torchvisions(tmp_path: Path) -> None:
    source = inspect.getsource(published.OxfordIIITPet) + inspect.getsource(published.EuroSAT)
    archives = {row.key: row.source for row in DATASETS if isinstance(row.source, DataArchive)}
    for key in ("oxford_iiit_pet", "eurosat"):
        assert archives[key].url in source
        assert archives[key].md5 in source


@pytest.mark.parametrize(
    ("key", "photographs"), [("digits", 1797), ("faces", 200), ("coloured_digits", 1797)]
)
def test_packaged_data_sets_need_no_download(
    datasets: DatasetStore, key: str, photographs: int
) -> None:
    dataset = datasets.packaged(key)
    assert dataset is not None
    assert len(dataset.examples) == photographs == datasets.rows[key].photographs
    assert len(dataset.classes) == datasets.rows[key].classes
    assert {e.label for e in dataset.examples} == set(range(len(dataset.classes)))
    assert decode(dataset.read(dataset.examples[0]), max_pixels=10**6).width >= 25


def test_a_folder_in_the_data_directory_shows_up_by_itself(datasets: DatasetStore) -> None:
    for name in ("my_pets/cat/1.png", "my_pets/dog/1.png"):
        place = datasets.settings.data_dir / name
        place.parent.mkdir(parents=True)
        place.write_bytes(saved(photo(), "PNG"))
    last = datasets.entries()[-1]
    assert (last.key, last.label, last.state) == ("my_pets", "My pets", "ready")
    index = datasets.index("my_pets")
    index.add(datasets.check("my_pets", index.unknown()))
    assert datasets.open(index).classes == ("cat", "dog")


def fill(datasets: DatasetStore, folder: str) -> None:
    """Two classes of a photograph each."""
    for name in ("cat", "dog"):
        place = datasets.settings.data_dir / folder / name / "1.png"
        place.parent.mkdir(parents=True)
        place.write_bytes(saved(photo(), "PNG"))


@pytest.mark.parametrize("name", ["digits", "own"])
def test_a_folder_whose_name_is_taken_is_another_data_set(
    datasets: DatasetStore, name: str
) -> None:
    fill(datasets, name)
    last = datasets.entries()[-1]
    assert (last.key, last.row) == (f"folder:{name}", None)
    assert datasets.packaged(last.key) is None
    index = datasets.index(last.key)
    index.add(datasets.check(last.key, index.unknown()))
    dataset = datasets.open(index)
    assert dataset.label == name.capitalize()
    assert datasets.read(last.key, dataset.examples[0].name) == saved(photo(), "PNG")


def test_a_folder_that_cannot_be_read_hides_no_other(
    datasets: DatasetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Path.iterdir

    def guarded(place: Path) -> Iterator[Path]:
        if place.name in ("lost+found", "eurosat"):
            raise PermissionError(13, "Permission denied", str(place))
        return listed(place)

    for name in ("lost+found", "eurosat", "pets"):
        fill(datasets, name)
    monkeypatch.setattr(Path, "iterdir", guarded)
    states = {entry.key: entry.state for entry in datasets.entries()}
    assert "lost+found" not in states
    assert states["pets"] == "ready"
    assert states["eurosat"] == "can be downloaded"


def test_a_linked_photograph_is_read_as_it_is_trained_on(
    datasets: DatasetStore, tmp_path: Path
) -> None:
    fill(datasets, "pets")
    linked = saved(photo(33), "PNG")
    (tmp_path / "elsewhere.png").write_bytes(linked)
    (datasets.settings.data_dir / "pets/cat/2.png").symlink_to(tmp_path / "elsewhere.png")
    index = datasets.index("pets")
    assert "cat/2.png" in index.names
    assert datasets.read("pets", "cat/2.png") == linked


@pytest.mark.parametrize("name", ["../../elsewhere.png", "cat/../../../elsewhere.png", "/x.png"])
def test_no_name_leads_out_of_a_data_set(datasets: DatasetStore, tmp_path: Path, name: str) -> None:
    fill(datasets, "pets")
    (tmp_path / "elsewhere.png").write_bytes(saved(photo(), "PNG"))
    with pytest.raises(UserError, match="no photograph called"):
        datasets.read("pets", name)


def test_a_folder_of_one_class_is_told_what_it_lacks(datasets: DatasetStore) -> None:
    (datasets.settings.data_dir / "pets" / "cat").mkdir(parents=True)
    with pytest.raises(
        UserError,
        match="folders of photographs in pets, one for each class, but found 1",
    ):
        datasets.index("pets")


def test_downloads_are_offered_where_they_are_not_there(datasets: DatasetStore) -> None:
    states = {entry.key: entry.state for entry in datasets.entries()}
    assert states["digits"] == "ready"
    assert states["eurosat"] == "can be downloaded"


@pytest.mark.parametrize(
    "key", ["nothing", "../data", "eurosat", "", ".", "..", "folder:", "folder:.."]
)
def test_what_is_not_there_is_refused_in_a_sentence(datasets: DatasetStore, key: str) -> None:
    datasets.settings.data_dir.mkdir()
    with pytest.raises(UserError):
        datasets.index(key)


def test_an_own_data_set_lives_in_the_album(tmp_path: Path) -> None:
    photos = PhotoStore(2**24, 10**6)
    keys = [photos.add(saved(photo(20 + i), "PNG"), "me") for i in range(4)]
    dataset = own_dataset((("tea", tuple(keys[:2])), ("coffee", tuple(keys[2:]))), photos)
    assert dataset.is_private
    assert [e.label for e in dataset.examples] == [0, 0, 1, 1]
    photos.forget("me")
    with pytest.raises(UserError, match="no longer"):
        dataset.read(dataset.examples[0])


def test_the_classes_of_a_data_set_and_their_photographs_are_known_by_name(
    datasets: DatasetStore,
) -> None:
    for name in ("train/cat/1.png", "val/cat/2.png", "train/dog/1.png", "train/dog/note.txt"):
        place = datasets.settings.data_dir / "pets" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")
    assert datasets.classes("pets") == ("cat", "dog")
    assert datasets.names("pets", "cat") == ["train/cat/1.png", "val/cat/2.png"]
    assert datasets.names("pets", "dog") == ["train/dog/1.png"]
    assert datasets.classes("faces") == ("face", "not a face")
    assert len(datasets.names("faces", "face")) == 100
    assert datasets.classes("nowhere") == ()
    assert datasets.names("nowhere", "cat") == []
