import pytest
import torch

from tests.cores import computing_on
from tl_core.backbones.store import BackboneStore
from tl_core.ideal.slot import slot_of
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.reductions import length_of_each, mean_of_each
from tl_core.settings import Settings
from tl_core.specs.ideal import IdealImage


def test_the_mean_and_the_length_are_those_of_each_picture():
    values = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mean_of_each(values), values.mean(dim=(1, 2, 3)))
    torch.testing.assert_close(length_of_each(values), values.flatten(1).norm(dim=1))


@pytest.mark.parametrize("reduce", [mean_of_each, length_of_each])
def test_a_reduction_rounds_alike_on_any_number_of_cores(reduce):
    values = torch.rand(1, 3, 223, 224, generator=torch.Generator().manual_seed(0))
    found = []
    for cores in (1, 2):
        with computing_on(cores):
            found.append(reduce(values))
    assert torch.equal(*found)


def test_a_picture_is_drawn_to_the_same_bits_on_any_number_of_cores(context):
    store = BackboneStore(Settings.from_env(), context.device)
    states = []
    for cores in (1, 2):
        backbone = store.load("efficientnet_lite0")
        batch = Batch([backbone], "auto")
        slot = slot_of(IdealImage(target=284, steps=16), backbone, None)
        batch.join(slot)
        with computing_on(cores):
            for _ in range(4):
                batch.step()
        batch.leave(slot)
        states.append(slot.state)
    assert torch.equal(*states)
