"""Whatever a spec names of another visitor's is refused, by every kind of spec there is."""

import dataclasses
from types import SimpleNamespace

import pytest

from tl_core.api.jobs import Jobs
from tl_core.api.ownership import Ownership
from tl_core.errors import UserError
from tl_core.images import photo_store
from tl_core.images.photo_store import PhotoStore
from tl_core.local.handlers import BATCH_RUNNERS, HANDLERS
from tl_core.specs.base import OWN, PHOTO_PREFIX
from tl_core.specs.datasets import OnDataset

PHOTO, MODEL = PHOTO_PREFIX + "0" * 64, OWN + "hers"
SOME = {"photo": "sample:cat", "original": "sample:cat", "photos": ("sample:cat",) * 3}
PLAIN = SOME | {"dataset": "digits", "target": 1, "frame": b"", "name": "resnet18"}
HERS = {"photo": PHOTO, "original": PHOTO, "photos": (PHOTO,) * 3, "corrections": (PHOTO,)}
HERS |= {"backbone": MODEL, "also": (MODEL,)}
CLASSES = (("a", (PHOTO, "sample:cat")), ("b", ("sample:coffee", "sample:dog")))


def specs_that_name_hers():
    for kind in {**HANDLERS, **BATCH_RUNNERS}:
        fields = dataclasses.fields(kind)
        needed = {f.name: PLAIN[f.name] for f in fields if f.default is dataclasses.MISSING}
        if issubclass(kind, OnDataset):
            yield kind(dataset="own", photos=CLASSES)
        for field in fields:
            if field.name in HERS and not (field.name == "photos" and issubclass(kind, OnDataset)):
                yield kind(**needed | {field.name: HERS[field.name]})


@pytest.fixture
def refused_jobs():
    """Jobs of a lab in which Ann has a model and a photograph; none may get past the check."""
    models = {"ann": [SimpleNamespace(key=MODEL)]}
    networks = SimpleNamespace(own_models=lambda owner: models.get(owner, []), rows={})
    photos = PhotoStore(10**6, max_pixels=10**4)
    photos._files[PHOTO] = photo_store._File(b"", {"ann"})
    return Jobs(None, None, None, None, Ownership(networks, photos))


@pytest.mark.parametrize("spec", list(specs_that_name_hers()), ids=lambda spec: type(spec).__name__)
def test_no_spec_gets_at_what_is_anothers(spec, refused_jobs):
    for way in (refused_jobs.submit, refused_jobs.ask):
        with pytest.raises(UserError, match="no longer in"):
            way(spec, "bob")
        with pytest.raises(AttributeError):  # it is past the check, where nothing stands here
            way(spec, "ann")
