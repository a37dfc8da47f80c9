import math

import pytest
import torch

from tl_core.imageopt.losses import (
    TERMS,
    ChannelObjective,
    NetworkOutput,
    moments,
    recording,
    total_variation,
)


def test_total_variation_equals_the_one_by_hand():
    picture = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]])
    # rows differ by 0.5 and 0.5, columns by 1.0 and 0.0
    assert total_variation(picture).tolist() == [1.0]


def test_a_flat_picture_has_no_total_variation():
    assert total_variation(torch.full((2, 3, 4, 4), 0.3)).tolist() == [0.0, 0.0]


def test_the_gradient_of_total_variation_is_that_of_its_formula():
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 3, 5, 4, generator=generator, dtype=torch.float64).requires_grad_()
    torch.autograd.gradcheck(total_variation, pictures)


def test_total_variation_refuses_what_is_no_batch():
    with pytest.raises(ValueError, match="N, C, H, W"):
        total_variation(torch.zeros(3, 4, 4))


def test_moments_equal_torchs_forward_and_backward():
    maps = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = maps.clone().requires_grad_()
    torch.autograd.gradcheck(moments, ours)
    mean, variance = moments(ours)
    theirs = torch.var_mean(maps, dim=(2, 3), correction=0)
    torch.testing.assert_close((variance.detach(), mean.detach()), theirs)


def test_class_terms_fall_when_the_target_rises():
    target = torch.eye(4)[:1]
    low, high = (
        NetworkOutput(target, logits=torch.tensor([[x, 0.5, 0.0, 0.0]])) for x in (0.0, 2.0)
    )
    for term in ("logit", "cross_entropy"):
        assert TERMS[term](high) < TERMS[term](low)


def test_the_other_classes_are_all_but_the_target():
    output = NetworkOutput(torch.eye(3)[:1], logits=torch.tensor([[9.0, 1.0, 3.0]]))
    assert TERMS["other_classes"](output).item() == pytest.approx(math.log(math.e + math.e**3))


def test_where_every_class_is_a_target_there_is_no_other_and_no_gradient():
    logits = torch.tensor([[2.0, -1.0]], requires_grad=True)
    TERMS["other_classes"](NetworkOutput(torch.full((1, 2), 0.5), logits=logits)).sum().backward()
    assert logits.grad.tolist() == [[0.0, 0.0]]


def hooks_of(backbone):
    return sum(len(module._forward_hooks) for module in backbone.body.modules())


def test_no_hook_remains_even_after_an_exception(backbone):
    backbone = backbone.folded
    output = NetworkOutput(torch.zeros(1, 10))
    channels = [ChannelObjective("layer1", 0)]
    with (
        pytest.raises(RuntimeError, match="boom"),
        recording(backbone, output, channels, with_statistics=True),
    ):
        assert hooks_of(backbone) > 1
        raise RuntimeError("boom")
    assert hooks_of(backbone) == 0


def test_a_unit_is_the_one_in_the_middle_of_its_channel():
    maps = torch.zeros(2, 4, 4)
    maps[1, 2, 2] = 8.0
    assert ChannelObjective("layer1", 1, is_unit=True).of(maps) == 8.0
    assert ChannelObjective("layer1", 1).of(maps) == 0.5


@pytest.mark.parametrize("is_folded", [True, False])
def test_a_channel_that_its_relu_cuts_off_has_a_gradient(backbone, is_folded):
    backbone.body.layer1[0].bn2.bias.data[1] = -100.0  # so that nothing comes out
    backbone = backbone.folded if is_folded else backbone
    pixels = torch.full((1, 3, 32, 32), 0.5, requires_grad=True)
    output = NetworkOutput(torch.zeros(1, 10))
    with recording(backbone, output, [ChannelObjective("layer1", 1)], with_statistics=False):
        backbone.logits(pixels)
    assert output.activation[0] < -50
    assert torch.autograd.grad(output.activation[0], pixels)[0].abs().max() > 0


def test_a_network_works_in_place_as_before_once_its_channel_was_recorded(backbone):
    relu = backbone.body.layer1[0].act2
    assert relu.inplace
    with recording(
        backbone,
        NetworkOutput(torch.zeros(1, 10)),
        [ChannelObjective("layer1", 1)],
        with_statistics=False,
    ):
        assert not relu.inplace
    assert relu.inplace


def test_an_active_channel_is_what_comes_out_of_its_relu(backbone):
    backbone.body.layer1[0].bn2.bias.data[1] = -0.4
    pixels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    output = NetworkOutput(torch.zeros(1, 10))
    with (
        torch.no_grad(),
        recording(backbone, output, [ChannelObjective("layer1", 1)], with_statistics=False),
    ):
        backbone.logits(pixels)
    found = []
    with torch.no_grad(), backbone.hooked(["layer1"], lambda _i, _in, out: found.append(out)):
        backbone.logits(pixels)
    assert found[0][0, 1].min() == 0  # the ReLU has cut something off
    assert output.activation[0] == found[0][0, 1].mean() > 0
