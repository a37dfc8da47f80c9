import numpy as np
import pytest
from sklearn.decomposition import PCA

from tests.workroom import drive, make_toolbox
from tl_core.backbones.backbone import Backbone
from tl_core.errors import UserError
from tl_core.features import space
from tl_core.features.space import neighbour_agreement, pca, t_sne
from tl_core.specs import FeatureSpace
from tl_core.toolbox import Toolbox

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


def test_agreement_is_the_share_of_like_neighbours():
    rows = np.array([[1, 0], [1, 0.1], [-1, 0], [-1, 0.1], [0, -9]], np.float32)
    assert neighbour_agreement(rows, ("a", "a", "b", "b", "c")) == 1.0
    assert neighbour_agreement(rows, ("a", "b", "a", "b", "c")) == 0.0


def test_a_trained_and_an_untrained_network_lay_the_same_photographs_out(
    toolbox: Toolbox, lite0: Backbone
):
    box = make_toolbox(toolbox.store)
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
