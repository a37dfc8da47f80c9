"""What the log says of a visitor's work: its kind and keys of the catalogue, nothing of theirs."""

import logging

import pytest

from tests.camera_frames import frame_of
from tests.hostile import photo, saved
from tl_core.local.handlers import BATCH_RUNNERS, HANDLERS
from tl_core.specs.datasets import ImportData
from tl_core.specs.download import Download
from tl_core.specs.feature_maps import FeatureSpace
from tl_core.specs.training import FineTune


def finished(lab, kind, **values):
    """Do work of this kind with those of the values that it knows."""
    known = {n: value for n, value in values.items() if n in kind.__dataclass_fields__}
    job = lab.jobs.submit(kind(**known), "ann")
    assert job.wait(60)
    assert job.error is None
    return job.snapshot


@pytest.mark.parametrize("mode", ["pixels", pytest.param("head", marks=pytest.mark.slow)])
def test_no_work_on_an_own_model_brings_anything_of_its_owners_into_the_log(lab, mode, caplog):
    caplog.set_level(logging.INFO)
    pictures = [*(saved(photo(side, side), "PNG") for side in range(60, 68)), b"no picture"]
    places = [f"{('Alice', 'Bob')[number % 2]}/holiday {number}.png" for number in range(9)]
    boxes = lab.datasets.add_folder(zip(places, pictures, strict=True), "ann").classes
    own = {"dataset": "own", "photos": boxes, "mode": mode, "label": "Carol's", "epochs": 1}
    model = finished(lab, FineTune, **own).result.model
    keys = tuple(key for _name, its in boxes for key in its)
    about = {"backbone": model, "photo": keys[0], "original": keys[1], "others": keys[:2]}
    about |= {"target": 0, "steps": 4, "value_steps": 4, "counts": (1,), "repeats": 1}
    for kind in sorted({*HANDLERS, *BATCH_RUNNERS} - {Download, ImportData}, key=str):
        photos = {"photos": keys} if kind is FeatureSpace else {}
        finished(lab, kind, **own | about | photos, frame=frame_of("sample:cat"))
    assert "Attack of own: done" in caplog.text
    for word in ("Alice", "Bob", "Carol", "holiday", *keys, "Traceback"):
        assert word not in caplog.text
