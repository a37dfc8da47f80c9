"""What the lab promises of real cats and dogs."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.unit.training.conftest import run_to_the_end
from tl_core.backbones.store import BackboneStore
from tl_core.context import Context
from tl_core.datasets.store import DatasetStore
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import Settings
from tl_core.specs.training import FineTune, FineTuneSnapshot


@pytest.mark.slow
def test_a_head_tells_cats_from_dogs(photos_dir: Path, tmp_path: Path) -> None:
    if not (photos_dir / "cats_vs_dogs").is_dir():
        pytest.skip("no cats_vs_dogs in TL_DATA_DIR")
    settings = replace(Settings.from_env({}), data_dir=photos_dir, cache_dir=tmp_path)
    device, pool = torch.device("cpu"), Pool()
    photos = PhotoStore(2**24, settings.max_pixels)
    context = Context(
        settings,
        device,
        BackboneStore(settings, device),
        photos,
        DatasetStore(settings),
        pool,
        VisitorMemory(2**30),
    )

    def accuracy(**fields: int) -> float:
        spec = FineTune(dataset="cats_vs_dogs", **fields)  # type: ignore[arg-type]
        end = run_to_the_end(spec, context).snapshot
        assert isinstance(end, FineTuneSnapshot)
        assert end.result is not None
        assert end.validation_photographs == 300
        return end.result.accuracy

    assert accuracy() >= 0.985
    few = [accuracy(photos_per_class=8, seed=seed) for seed in range(5)]
    assert sum(few) / len(few) >= 0.95
    pool.close()
