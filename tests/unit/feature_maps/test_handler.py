import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.handler import drive, make_context, start, turn
from tl_core.context import Context
from tl_core.engine.job import Job, JobState
from tl_core.errors import UserError
from tl_core.feature_maps import channel
from tl_core.feature_maps import handler as maps
from tl_core.feature_maps.activations import Activations
from tl_core.feature_maps.mosaic import most_active
from tl_core.images import samples
from tl_core.images.colours import viridis
from tl_core.specs.feature_maps import ChannelDetail, FeatureMaps


def _colours(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def _half(context: Context, layer: str) -> Activations:
    maps = context.activations.get(("sample:cat", "efficientnet_lite0"))
    assert maps is not None
    found: Activations = maps[layer]
    return found


def _kept(context: Context, photo: str, layer: str) -> Activations:
    found: Activations = context.activations.get((photo, "efficientnet_lite0", layer))
    return found


def test_a_tile_shows_its_channel(context: Context):
    layer = "blocks.3.1"
    shot = drive(maps.run, FeatureMaps(photo="sample:cat", layer=layer, channels=9), context)
    picture, half = _colours(shot.mosaic.picture), _half(context, layer)
    assert picture.shape[1::-1] == shot.mosaic.size
    for index, number in enumerate(shot.mosaic.channels):
        left, top, right, bottom = shot.mosaic.box(index)
        low, high = shot.scale
        shade = np.clip((half[number].astype(np.float32) - low) / (high - low), 0, 1) * 254
        units = (np.arange(14) + 0.5) * (right - left) / 14
        tile = picture[top:bottom, left:right][np.ix_(units.astype(int), units.astype(int))]
        assert np.abs(tile - viridis(255)[np.rint(shade).astype(int)].astype(int)).max() <= 6


def test_the_strongest_come_first_and_a_small_layer_shows_all(context: Context):
    shot = drive(maps.run, FeatureMaps(photo="sample:cat", channels=64), context)
    assert shot.facts.shape == (32, 112, 112)
    assert (shot.facts.stride, shot.facts.receptive_field) == (2, 3)
    assert shot.facts.words == "edges and colours"
    assert sorted(shot.mosaic.channels) == list(range(32))
    assert list(shot.activities) == sorted(shot.activities, reverse=True)


def test_a_channel_that_is_the_same_everywhere_is_the_least_active():
    half = np.zeros((3, 4, 4), np.float16)
    half[0] = 50
    half[1, 0, 0] = 1
    half[2, 1, 1] = 2
    assert most_active(half, 3)[0] == (2, 1, 0)


def test_two_mosaics_can_share_one_scale(context: Context):
    def plain_class(scale: tuple[float, float]) -> np.ndarray:
        spec = FeatureMaps(photo="sample:cat", layer="blocks.2.0", channels=8, scale=scale)
        shot = drive(maps.run, spec, context)
        assert shot.scale == scale
        return _colours(shot.mosaic.picture)

    assert np.array_equal(plain_class((-10.0, 10.0)), plain_class((-10.0, 10.0)))
    assert not np.array_equal(plain_class((-10.0, 10.0)), plain_class((-20.0, 20.0)))


@pytest.mark.parametrize("layer", ["bn1", "blocks.2.1", "bn2"])
def test_the_strongest_spot_lies_in_its_box(context: Context, layer: str):
    shot = drive(channel.run, ChannelDetail(photo="sample:cat", layer=layer, channel=3), context)
    values = _half(context, layer)[3]
    assert shot.spot.value == values.max() == values[shot.spot.unit]
    left, top, right, bottom = shot.spot.box
    x, y = shot.spot.point
    assert left <= x <= right
    assert top <= y <= bottom
    assert 0 < right - left <= shot.facts.receptive_field
    assert _colours(shot.overlay).shape == (224, 224, 3) == _colours(shot.photo).shape
    assert _colours(shot.map).shape == (448, 448, 3)


def test_a_channel_fires_where_it_is_above_its_mean_over_all_photographs():
    often = np.array([[6, 6], [6, 0]], np.float16)
    once = np.array([[6, 0], [0, 0]], np.float16)
    assert channel.firing_shares([often, once]) == [0.75, 0.25]
    assert channel.firing_shares([often]) == [0.75]
    assert channel.firing_shares([often - 9, once - 9, once * 0 - 9]) == [0.75, 0.25, 0]


def test_photographs_on_which_relu6_ends_at_6_are_told_apart_by_the_share(context: Context):
    keys = [row.key for row in samples.SAMPLES if row.key != "sample:cat"]
    spec = ChannelDetail(photo="sample:cat", layer="bn1", channel=6, others=tuple(keys))
    shot = drive(channel.run, spec, context)
    assert {other.spot.value for other in shot.others} == {shot.spot.value} == {6.0}
    shares = [other.spot.share for other in shot.others]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.2
    assert shot.others[0].photo == "sample:galaxies"
    assert shot.others[0].spot.mean > 5


def test_other_photographs_appear_one_by_one_the_most_moved_first(context: Context):
    others = ("sample:coffee", "sample:dalmatian", "sample:car")
    spec = ChannelDetail(photo="sample:cat", layer="bn2", channel=7, others=others)
    runner = start(channel.run, spec, context)
    job: Job[Any] = runner.jobs[0]
    counts: list[int] = []
    while runner.jobs:
        turn(runner)
        shown: Any = job.snapshot
        if shown is not None and len(shown.others) not in counts:
            counts.append(len(shown.others))
            assert shown.step == len(shown.others) + 1
    assert counts == [0, 1, 2, 3]
    assert job.state == JobState.DONE
    assert shown.step == shown.steps == 4
    shares = [other.spot.share for other in shown.others]
    assert shares == sorted(shares, reverse=True)
    seen = [_half(context, "bn2")[7], *(_kept(context, key, "bn2")[7] for key in others)]
    assert sorted(channel.firing_shares(seen)[1:], reverse=True) == shares
    assert {other.photo for other in shown.others} == set(others)


def test_a_channel_the_layer_does_not_have_is_refused():
    context = make_context()
    spec = ChannelDetail(photo="sample:cat", layer="bn1", channel=32)
    with pytest.raises(UserError, match="channels 0 to 31, so there is no channel 32"):
        drive(channel.run, spec, context)
    context.pool.close()


@pytest.mark.parametrize("scale", [(1.0, 1.0), (2.0, -2.0), (0.0, float("nan"))])
def test_a_scale_that_does_not_rise_is_refused(scale: tuple[float, float]):
    with pytest.raises(UserError, match="the smaller first"):
        FeatureMaps(photo="sample:cat", scale=scale)
