import json

import numpy as np
import pytest

from tl_core.errors import UserError
from tl_core.images.decode import read_back
from tl_core.lab import JobState
from tl_core.specs.attack import Attack
from tl_core.specs.attack_methods import ATTACK_METHODS
from tl_core.specs.classify import Classify
from tl_core.specs.every import spec_from_json

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


@pytest.mark.parametrize("method", list(ATTACK_METHODS))
def test_every_method_stays_within_epsilon_on_the_decoded_file(lab, method):
    found = attacked(lab, method=method, epsilon=3, steps=6)
    change = read_back(found.picture).astype(int) - read_back(found.original)
    assert np.abs(change).max() <= 3
    assert found.gap.linf_levels == np.abs(change).max()


def test_epsilon_moved_during_a_run_holds_for_its_result(lab):
    job = lab.jobs.submit(Attack(photo=DOG, epsilon=8, steps=40, confidence=1.0), "ann")
    job.update(epsilon=2)
    assert job.wait(WAIT_S)
    assert job.state is JobState.DONE
    assert job.snapshot.epsilon == 2
    assert job.snapshot.gap.linf_levels <= 2


def test_the_settings_of_a_run_repeat_it_byte_by_byte(lab):
    first = attacked(lab, target=100, seed=3)
    job = lab.jobs.submit(spec_from_json(first.settings), "ann")
    assert job.wait(WAIT_S)
    assert job.snapshot.picture == first.picture
    assert json.loads(first.settings)["kind"] == "Attack"


@pytest.mark.parametrize("epsilon", [-1, 300, 0.5, float("nan")])
def test_a_budget_that_no_picture_can_keep_is_refused(epsilon):
    with pytest.raises(UserError, match="epsilon must be"):
        Attack(photo=DOG, epsilon=epsilon)


def test_a_class_that_the_network_does_not_have_is_refused(lab):
    job = lab.jobs.submit(Attack(photo=DOG, target=1000), "ann")
    assert job.wait(WAIT_S)
    assert "1000 classes" in str(job.error)
