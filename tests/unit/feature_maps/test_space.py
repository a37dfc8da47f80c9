import numpy as np
import pytest
from sklearn.decomposition import PCA

from tests.handler import drive, make_context
from tl_core.backbones.backbone import Backbone
from tl_core.context import Context
from tl_core.errors import UserError
from tl_core.feature_maps import space
from tl_core.feature_maps.space import lay_out, neighbour_agreement, neighbours, pca, t_sne
from tl_core.images import samples
from tl_core.specs.feature_maps import FeatureSpace

PHOTOS = ("sample:cat", "sample:bull-mastiff", "sample:dalmatian", "sample:coffee", "sample:car")
LABELS = ("cat", "dog", "dog", "other", "other")
POINTS = np.random.default_rng(0).normal(size=(12, 40)).astype(np.float32)


def test_pca_is_scikit_learns_up_to_the_sign():
    theirs = PCA(2, svd_solver="full").fit_transform(POINTS)
    np.testing.assert_allclose(np.abs(pca(POINTS)), np.abs(theirs), rtol=1e-3, atol=1e-4)


def test_t_sne_takes_few_photographs_and_repeats_itself():
    first = t_sne(POINTS[:4], perplexity=30, seed=1)
    assert first.shape == (4, 2)
    assert np.array_equal(first, t_sne(POINTS[:4], perplexity=30, seed=1))


def alike(count: int, others: int, scale: float = 1.0) -> np.ndarray:
    """``count`` equal embeddings and ``others`` that differ, (count + others, 40)."""
    return np.concatenate([POINTS[:1].repeat(count, 0), POINTS[1 : 1 + others]]) * np.float32(scale)


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize(
    "embeddings",
    [
        np.zeros((5, 40), np.float32),
        np.full((5, 40), 0.1, np.float32),
        alike(3, 1),
        alike(4, 5),
        alike(3, 6, scale=1e-30),
        alike(3, 6, scale=1e37),
        POINTS[:1] + np.float32(1e-8) * POINTS,
    ],
    ids=["zeros", "equal", "3 of 4", "4 of 9", "tiny", "huge", "rounding"],
)
def test_photographs_that_are_alike_lie_on_one_spot(embeddings, method):
    spec = FeatureSpace(photos=tuple("abcdefghijkl"[: len(embeddings)]), method=method)
    points = np.array(lay_out(embeddings, spec).points)
    assert np.isfinite(points).all()
    first = np.abs(embeddings - embeddings[0]).max(axis=1) <= 1e-6 * np.abs(embeddings).max()
    assert np.ptp(points[first], axis=0).max() < 1e-6
    assert first.all() or np.abs(points[~first] - points[0]).max(axis=1).min() > 0.01


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_embeddings_that_are_not_finite_are_refused_in_a_sentence(value, method):
    embeddings = POINTS.copy()
    embeddings[3, 5] = value
    spec = FeatureSpace(photos=tuple("abcdefghijkl"), labels=("x",) * 12, method=method)
    with pytest.raises(UserError, match="are infinite or not numbers"):
        lay_out(embeddings, spec)


def test_agreement_is_the_share_of_like_neighbours():
    rows = np.array([[1, 0], [1, 0.1], [-1, 0], [-1, 0.1], [0, -9]], np.float32)
    assert neighbour_agreement(rows, ("a", "a", "b", "b", "c")) == 1.0
    assert neighbour_agreement(rows, ("a", "b", "a", "b", "c")) == 0.0


def test_neighbours_are_those_at_the_smallest_angle_around_the_mean_nearest_first():
    rows = np.array([[1, 0], [1, 0.1], [1, -0.3], [-3, 0.2]], np.float32)
    assert neighbours(rows).tolist()[0] == [1, 2, 3]
    assert neighbours(rows + 100).tolist() == neighbours(rows).tolist()


def test_photographs_that_are_all_alike_have_neighbours_too():
    spec = FeatureSpace(photos=tuple("abcd"))
    found = lay_out(np.zeros((4, 40), np.float32), spec)
    assert [len(set(row) - {index}) for index, row in enumerate(found.nearest)] == [3] * 4


def test_a_trained_network_finds_the_kinds_of_the_gallery_and_an_untrained_one_does_not(
    context: Context,
):
    kinds = {row.key: row.kind for row in samples.SAMPLES}
    spec = FeatureSpace(photos=tuple(kinds), labels=tuple(kinds.values()))
    shot = drive(space.run, spec, context)
    assert shot.trained.agreement > 0.6
    assert shot.untrained.agreement < 0.2
    names = [key.removeprefix("sample:") for key in spec.photos]
    nearest = {
        name: [names[other] for other in row]
        for name, row in zip(names, shot.trained.nearest, strict=True)
    }
    assert nearest["bull-mastiff"][0] == "dalmatian"
    assert nearest["eagle"][0] == "geese"
    assert nearest["cottage"][0] == "yurts"
    assert nearest["beetle"][0] == "leafhopper"
    assert all(len(row) == 3 for row in shot.untrained.nearest)


def test_a_trained_and_an_untrained_network_lay_the_same_photographs_out(
    context: Context, lite0: Backbone
):
    box = make_context(context.backbones)
    spec = FeatureSpace(photos=PHOTOS, labels=LABELS)
    shot = drive(space.run, spec, box)
    calls = []
    handle = lite0.body.register_forward_pre_hook(lambda *_: calls.append(1))
    again = drive(space.run, spec, box)
    handle.remove()
    box.pool.close()
    assert shot == again
    assert calls == []  # the embeddings were kept
    assert shot.step == shot.steps == 10
    assert shot.trained.points != shot.untrained.points
    for drawn in (shot.trained, shot.untrained):
        assert len(drawn.points) == len(PHOTOS) == len(shot.thumbnails)
        assert np.abs(drawn.points).max() == pytest.approx(1)
        assert 0 <= drawn.agreement <= 1
    assert all(picture.startswith(b"\xff\xd8") for picture in shot.thumbnails)


def test_two_photographs_are_too_few():
    with pytest.raises(UserError, match="photos must be between 3"):
        FeatureSpace(photos=PHOTOS[:2])
