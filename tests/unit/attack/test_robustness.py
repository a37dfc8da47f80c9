import numpy as np
import pytest

from tl_core.images.decode import decode, read_back
from tl_core.images.photo import to_array
from tl_core.specs.attack import Attack, PasteBack, SmallestBudget, Survival, Transfer

WAIT_S = 120
DOG = "sample:dalmatian"


def finished(lab, spec):
    job = lab.jobs.submit(spec, "ann")
    assert job.wait(WAIT_S)
    assert job.error is None
    return job.snapshot


@pytest.fixture
def attacked(lab):
    found = finished(lab, Attack(photo=DOG, epsilon=2))
    return lab.photos.add(found.picture, "ann")


def test_a_transfer_asks_every_ready_network_and_marks_those_that_were_attacked(lab, attacked):
    spec = Transfer(photo=attacked, original=DOG, target=284)
    opinions = finished(lab, spec).opinions
    assert [row.key for row in lab.backbones.ready()] == [found.backbone for found in opinions]
    assert [found.was_attacked for found in opinions] == [True, False, False]
    assert opinions[0].is_fooled
    assert all(found.before.index == 251 for found in opinions)


def test_survival_asks_after_each_transform(lab, attacked):
    found = finished(lab, Survival(photo=attacked, original=DOG, target=284))
    assert len(found.trials) == len(found.pictures) == found.steps
    assert {trial.key for trial in found.trials} >= {"jpeg-95", "jpeg-75", "jpeg-50", "shift-1"}
    assert all((trial.answer.index == 284) == trial.is_fooled for trial in found.trials)


def test_a_change_pasted_back_is_in_the_whole_photograph_and_within_its_levels(lab, attacked):
    found = finished(lab, PasteBack(photo=attacked, original=DOG, target=284))
    original = to_array(decode(lab.photos.data(DOG), max_pixels=10**8))
    change = read_back(found.picture).astype(int) - original
    assert (found.height, found.width) == original.shape[:2]
    assert 1 <= np.abs(change).max() <= 2
    assert found.before[0].index == 251
    assert found.is_fooled == (found.after[0].index == 284)


@pytest.mark.slow
def test_the_smallest_budget_is_one_level_of_few_values(lab):
    found = finished(lab, SmallestBudget(photo=DOG, value_steps=6))
    change = read_back(found.picture).astype(int) - read_back(found.original)
    assert found.phase == "done"
    assert found.epsilon == 1
    assert found.is_fooled
    assert found.after[0].index == 284
    assert np.abs(change).max() == 1
    counts = [count for _, count in found.counts]
    assert counts == sorted(counts, reverse=True)
    assert np.count_nonzero(change) == counts[-1] == found.gap.changed_values
    assert [trial.epsilon for trial in found.curve] == [0, 1, 2, 3, 4, 6, 8]
    assert [trial.is_fooled for trial in found.curve] == [False, *[True] * 6]


def test_a_photograph_that_is_there_already_needs_no_budget(lab):
    found = finished(lab, SmallestBudget(photo=DOG, target=251))
    assert found.epsilon == 0
    assert found.counts == ()
