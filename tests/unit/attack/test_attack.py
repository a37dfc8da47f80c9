import numpy as np
import pytest

from tl_core.errors import UserError
from tl_core.images.decode import read_back
from tl_core.specs.attack import Attack
from tl_core.specs.classify import Classify

WAIT_S = 120
DOG = "sample:dalmatian"


def attacked(lab, **settings):
    job = lab.jobs.submit(Attack(**{"photo": DOG} | settings), "ann")
    assert job.wait(WAIT_S)
    assert job.error is None
    return job.snapshot


def test_a_saved_attack_dropped_again_is_still_fooled_and_within_one_level(lab):
    found = attacked(lab, target=284, epsilon=1)
    key = lab.photos.add(found.picture, "ann")
    answer = lab.jobs.ask(Classify(photo=key), "ann", timeout_s=WAIT_S).snapshot.answers[0]
    change = read_back(found.picture).astype(int) - read_back(found.original)
    assert found.is_fooled
    assert answer.index == found.after[0].index == 284
    assert answer.probability == pytest.approx(found.probability, abs=1e-6)
    assert np.abs(change).max() == found.gap.linf_levels == 1


def test_an_untargeted_attack_leaves_the_dogs(lab):
    found = attacked(lab, target=None, avoid="dog")
    assert found.before[0].index == 251
    assert found.is_fooled
    assert not 151 <= found.after[0].index <= 268


@pytest.mark.parametrize("epsilon", [-1, 300, 0.5, float("nan")])
def test_a_budget_that_no_picture_can_keep_is_refused(epsilon):
    with pytest.raises(UserError, match="epsilon must be"):
        Attack(photo=DOG, epsilon=epsilon)
