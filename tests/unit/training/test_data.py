import dataclasses
from collections.abc import Callable

import pytest

from tests.hostile import photo, saved
from tests.server import FileServer
from tests.unit.training.conftest import Do
from tests.zips import zipped
from tl_core.context import Context
from tl_core.datasets.catalogue import DATASETS, DataArchive, DatasetRow
from tl_core.engine.job import Job
from tl_core.errors import UserError
from tl_core.images.decode import decode
from tl_core.specs.base import Snapshot
from tl_core.specs.datasets import ImportData, ImportSnapshot, PreviewData, PreviewSnapshot
from tl_core.specs.training import FineTune, LabelBudget, LabelBudgetSnapshot
from tl_core.training import label_budget

Watching = tuple[list[Snapshot], Callable[[Job], None]]


def test_the_label_budget_comes_point_by_point(do: Do, snapshots: Watching) -> None:
    seen, watch = snapshots
    spec = LabelBudget(backbone="tiny", dataset="colours", counts=(1, 4, 50), repeats=2)
    do(spec, on=watch)
    counts = [len(s.points) for s in seen if isinstance(s, LabelBudgetSnapshot)]
    assert set(counts) == set(range(7))
    end = seen[-1]
    assert isinstance(end, LabelBudgetSnapshot)
    assert {(p.start, p.photos_per_class) for p in end.points} == {
        (start, count) for start in ("trained", "random", "pixels") for count in (1, 4)
    }
    assert all(p.low <= p.mean <= p.high for p in end.points)


def test_a_long_head_of_the_label_budget_lets_others_in_between_batches(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices: list[int] = []
    monkeypatch.setattr(label_budget, "SLICE_S", 0.0)  # each batch takes longer
    monkeypatch.setattr(label_budget, "_EPOCHS", 40)
    spec = LabelBudget(backbone="tiny", dataset="colours", counts=(1,), repeats=1)
    do(spec, on=lambda job: slices.append(1))
    assert len(slices) > len(label_budget.STARTS) * 40


def test_a_class_smaller_than_every_count_is_measured_whole(do: Do) -> None:
    job = do(LabelBudget(backbone="tiny", dataset="colours", counts=(50,), repeats=1))
    assert isinstance(job.snapshot, LabelBudgetSnapshot)
    assert {p.photos_per_class for p in job.snapshot.points} == {8}


def test_a_look_tells_what_is_there(do: Do, context: Context) -> None:
    folder = context.settings.data_dir / "colours"
    (folder / "red/copy.png").write_bytes((folder / "red/0.png").read_bytes())
    (folder / "red/broken.png").write_bytes(b"nothing")
    job = do(PreviewData(backbone="tiny", dataset="colours", thumbnails=3, thumbnail_side=20))
    found = job.snapshot
    assert isinstance(found, PreviewSnapshot)
    assert [(c.name, c.train + c.validation) for c in found.classes] == [("blue", 12), ("red", 13)]
    assert found.imbalance == pytest.approx(13 / 12)
    assert (found.duplicates, found.left_out) == (1, ("red/broken.png",))
    for look in found.classes:
        assert [decode(t, max_pixels=1000).size for t in look.thumbnails] == [(20, 20)] * 3
        assert len(look.names) == 3


def test_an_import_downloads_unpacks_and_lists_what_is_damaged(
    do: Do, context: Context, snapshots: Watching
) -> None:
    row = next(row for row in DATASETS if row.key == "eurosat")
    assert isinstance(row.source, DataArchive)
    files = [
        (f"2750/{name}.jpg", saved(photo(40 + number), "JPEG"))
        for number, name in enumerate(("Forest/1", "Forest/2", "River/1", "River/3"))
    ]
    packed = zipped([*files, ("2750/River/2.jpg", b"damaged")])
    with FileServer({"EuroSAT.zip": packed}) as server:
        source = dataclasses.replace(row.source, url=server.url("EuroSAT.zip"), md5="")
        stand_in: DatasetRow = dataclasses.replace(row, source=source, photographs=5)
        context.datasets.rows["eurosat"] = stand_in
        seen, watch = snapshots
        do(ImportData(dataset="eurosat"), on=watch)
    end = seen[-1]
    assert isinstance(end, ImportSnapshot)
    assert (end.phase, end.photographs, end.left_out) == ("done", 4, ("River/2.jpg",))
    look = do(PreviewData(backbone="tiny", dataset="eurosat")).snapshot
    assert isinstance(look, PreviewSnapshot)
    assert look.is_unlike_imagenet


def test_what_is_no_download_is_refused(do: Do) -> None:
    with pytest.raises(UserError, match="no data set called digits to download"):
        do(ImportData(dataset="digits"))


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "magic"},
        {"schedule": "x"},
        {"optimiser": "x"},
        {"augmentation": "x"},
        {"dataset": "own"},
        {"dataset": "own", "photos": (("a", ("1", "2")), ("a", ("3", "4")))},
        {"dataset": "own", "photos": (("a", ("1", "2")), ("b", ("3", "3")))},
        {"dataset": "own", "photos": tuple((str(n), ("1", "2")) for n in range(21))},
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(UserError):
        FineTune(**{"dataset": "digits"} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["../outside.png", "/etc/passwd", "red/none.png", "", "red"])
def test_only_a_data_sets_own_photographs_can_be_read(name: str, context: Context) -> None:
    (context.settings.data_dir / "outside.png").write_bytes(b"secret")
    with pytest.raises(UserError, match="no photograph called"):
        context.datasets.read("colours", name)
    assert context.datasets.read("colours", "red/0.png")
    assert context.datasets.read("digits", "0/0000.png")
