import pickle
from collections.abc import Callable

import pytest

from tl_core.errors import UserError
from tl_core.specs.attribution import Attribute
from tl_core.specs.base import Spec
from tl_core.specs.every import spec_from_json
from tl_core.specs.feature_maps import ChannelDetail, FeatureMaps, FeatureSpace, Mosaic


@pytest.mark.parametrize(
    "spec",
    [
        FeatureMaps(photo="sample:cat", layer="bn1", channels=64, scale=(-1.0, 2.0)),
        ChannelDetail(photo="sample:cat", channel=3, others=("sample:car",)),
        FeatureSpace(photos=("a", "b", "c"), labels=("x", "x", "y"), method="tsne"),
        Attribute(photo="sample:cat", methods=("gradcam", "occlusion"), targets=(1,), contrast=2),
    ],
    ids=lambda spec: type(spec).__name__,
)
def test_a_spec_survives_json_and_pickle_and_can_be_a_key(spec: Spec):
    assert spec_from_json(spec.to_json()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert hash(spec) == hash(spec_from_json(spec.to_json()))


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (FeatureMaps, {"channels": 65}, "channels must be between 1 and 64, got 65"),
        (ChannelDetail, {"channel": -1}, "channel must be between 0"),
        (Attribute, {"methods": ()}, "methods must be between 1"),
        (Attribute, {"strength": 1.5}, "strength must be between 0 and 1"),
        (Attribute, {"patch": 4}, "patch must be between 8 and 128"),
    ],
)
def test_values_out_of_range_are_refused(kind: Callable[..., Spec], fields: dict, message: str):
    with pytest.raises(UserError, match=message):
        kind(photo="sample:cat", **fields)


def test_a_mosaic_knows_its_own_geometry():
    grid = Mosaic(picture=b"", channels=(9, 4, 7, 2, 5), columns=3, tile=10, gap=2)
    assert grid.rows == 2
    assert grid.size == (34, 22)
    assert grid.box(4) == (12, 12, 22, 22)
