from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.unit.tiny import tiny_backbone
from tl_core.attack.constraints import L2Ball, LinfBox, blurred, l1_normalised
from tl_core.attack.runner import AttackMember
from tl_core.attack.sparse import L0Set, thinned
from tl_core.attack.success import ClassGoal, answer, goal_of
from tl_core.attack.transforms import jpeg, random_transforms
from tl_core.context import pixels_from
from tl_core.errors import UserError
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.eight_bit import array_from
from tl_core.imageopt.losses import TERMS, NetworkOutput
from tl_core.imageopt.pixels import EightBit
from tl_core.images import samples
from tl_core.images.decode import decode
from tl_core.images.encode import encode_jpeg
from tl_core.images.photo import fit, to_array
from tl_core.specs.attack import Attack, Goal
from tl_core.specs.attack_methods import ATTACK_METHODS

CPU = torch.device("cpu")


def random_pixels(side=32, seed=0):
    levels = torch.randint(0, 256, (1, 3, side, side), generator=torch.manual_seed(seed))
    return levels / 255


def test_eight_bit_pixels_are_exactly_those_of_a_decoded_file():
    parameters = torch.rand(1, 3, 8, 8, generator=torch.manual_seed(0)).requires_grad_()
    seen = EightBit().pixels(parameters)
    array = array_from(seen.detach())
    assert torch.equal(seen.detach(), pixels_from(array, CPU))
    (gradient,) = torch.autograd.grad(seen.sum(), parameters)
    assert torch.equal(gradient, torch.ones_like(gradient))


@pytest.mark.parametrize("make", [LinfBox, L2Ball])
def test_a_limit_brings_everything_within_its_levels_and_the_picture(make):
    original = random_pixels()
    limit = make(original, 3)
    moved = limit(original + torch.randn(original.shape, generator=torch.manual_seed(1)))
    assert float((moved - original).abs().max()) <= 3 / 255 + 1e-6
    assert 0 <= float(moved.min()) <= float(moved.max()) <= 1


def test_an_l2_ball_keeps_its_radius_and_follows_success():
    original = torch.full((1, 3, 32, 32), 0.5)
    ball = L2Ball(original, levels=64, radius=0.5)
    moved = ball(original + torch.randn(original.shape, generator=torch.manual_seed(1)))
    assert float(torch.linalg.vector_norm(moved - original)) == pytest.approx(0.5, rel=1e-4)
    ball.adapt(torch.tensor(True))
    assert ball.radius < 0.5
    ball.adapt(torch.tensor(False))
    ball.adapt(torch.tensor(False))
    assert ball.radius > 0.5


def test_an_l0_set_moves_as_many_values_as_it_says_each_by_all_levels():
    few = L0Set(torch.full((1, 3, 32, 32), 128 / 255), levels=2)
    few.count = torch.tensor(17.0)
    scores = torch.randn(1, 3, 32, 32, generator=torch.manual_seed(1))
    change = (few.pixels(scores) - few.original) * 255
    assert int(change.count_nonzero()) == 17
    assert float(change[change != 0].abs().min()) == pytest.approx(2, abs=1e-3)
    assert bool((change.sign() * scores >= 0).all())


def test_thinning_takes_out_what_helps_least():
    changes = torch.tensor([0.0, 1.0, -1.0, 1.0]).view(1, 1, 2, 2)
    use = torch.tensor([9.0, 0.2, -0.1, 0.7]).view(1, 1, 2, 2)
    kept = thinned(changes, use, [1, 2])
    assert kept.flatten(1).tolist() == [[0, 1, 0, 1], [0, 0, 0, 1]]


def test_a_blur_keeps_the_sum_and_l1_normalised_the_mean_size():
    gradient = torch.zeros(1, 3, 32, 32)
    gradient[..., 16, 16] = 1
    assert float(blurred(gradient, 1.5).sum()) == pytest.approx(3, rel=1e-5)
    assert float(blurred(gradient, 1.5).max()) < 0.2
    assert float(l1_normalised(gradient).abs().mean()) == pytest.approx(1)


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_our_jpeg_shows_nearly_what_a_real_one_does(quality):
    photo = fit(decode(samples.read("sample:cat"), max_pixels=10**7), 224, 256, "bicubic")
    real = to_array(decode(encode_jpeg(photo, quality), max_pixels=10**7)).astype(int)
    pixels = pixels_from(to_array(photo), CPU)
    ours = array_from(jpeg(pixels, quality)).astype(int)
    damage = np.abs(real - to_array(photo).astype(int)).mean()
    assert np.abs(real - ours).mean() < 0.6 * damage
    assert np.abs(real - ours).mean() < 1.2


def test_a_jpeg_lets_gradients_through_and_takes_odd_sizes():
    pixels = random_pixels(side=33).requires_grad_()
    shown = jpeg(pixels, 75)
    assert shown.shape == pixels.shape
    (gradient,) = torch.autograd.grad(shown.square().sum(), pixels)
    assert float(gradient.abs().mean()) > 0


def test_transformed_views_follow_their_draws_alone():
    views = random_pixels().expand(4, -1, -1, -1)
    draws = [[0.1, 0.5], [0.6, 0.5], [0.75, 0.5], [0.95, 0.5]]
    shown = random_transforms(views, draws)
    assert torch.equal(shown, random_transforms(views, draws))
    assert torch.equal(shown[3], views[3])
    assert not torch.equal(shown[0], views[0])


def test_margin_and_odds_say_whether_a_target_is_on_top():
    output = NetworkOutput(torch.tensor([[0.0, 1, 1, 0]]), logits=torch.tensor([[1.0, 3, 0, 2]]))
    assert TERMS["margin"](output).item() == pytest.approx(-1)
    probs = output.logits.softmax(1)[0]
    odds = float((probs[0] + probs[3]) / (probs[1] + probs[2]))
    assert TERMS["odds"](output).exp().item() == pytest.approx(odds, rel=1e-5)


def test_a_goal_is_reached_by_its_class_or_by_leaving_its_classes():
    logits = torch.tensor([0.0, 2, 1])
    assert ClassGoal((1,), is_targeted=True).is_reached(logits)
    assert not ClassGoal((1, 2), is_targeted=False).is_reached(logits)
    assert ClassGoal((2,), is_targeted=False).is_reached(logits)
    assert goal_of(Goal(target=None), logits.tolist()) == ClassGoal((1,), is_targeted=False)
    with pytest.raises(UserError, match="3 classes"):
        goal_of(Goal(target=None, avoid="dog"), logits.tolist())


def begin(backbones, spec, original, goal):
    """An attack in a batch of its own."""
    member = AttackMember(spec=spec, original=original, goal=goal, backbones=backbones)
    batch = Batch(backbones, "fp32")
    batch.join(member.slot)
    return member, batch


def step(batch, members):
    """Advance attacks without a runner; those that are done leave."""
    by_slot = {member.slot: member for member in members}
    for slot, *read in batch.step().of_each():
        by_slot[slot].read(*read)
        if by_slot[slot].is_done:
            batch.leave(slot)


def finished(backbone, specs, side=32):
    batch = Batch([backbone], "fp32")
    found = []
    for index, spec in enumerate(specs):
        original = array_from(random_pixels(side, seed=index))
        goal = goal_of(spec, logits_of(backbone, original).tolist())
        found.append(AttackMember(spec=spec, original=original, goal=goal, backbones=[backbone]))
        batch.join(found[-1].slot)
    while batch.slots:
        step(batch, found)
    return found


def logits_of(backbone, array):
    return answer(backbone, Image.fromarray(array))


@pytest.mark.parametrize("method", list(ATTACK_METHODS))
def test_every_method_stays_within_epsilon(backbone, method):
    for target in (4, None):
        spec = Attack(photo="x", target=target, method=method, epsilon=5, steps=8)
        (found,) = finished(backbone, [spec])
        change = found.picture.astype(int) - found.original
        assert np.abs(change).max() <= 5


def saved_probability(backbone, attack):
    return attack.goal.probability(logits_of(backbone, attack.picture))


def test_an_attack_goes_on_until_the_network_is_sure_of_the_saved_picture(backbone):
    spec = Attack(photo="x", target=1, epsilon=16, steps=60)
    sure, at_once = (finished(backbone, [replace(spec, confidence=c)])[0] for c in (0.9, 0.0))
    assert saved_probability(backbone, sure) >= 0.9 > saved_probability(backbone, at_once)
    assert at_once.first_success == at_once.first_confident == at_once.steps_done
    assert sure.first_success == at_once.first_success < sure.first_confident == sure.steps_done


def test_where_the_network_is_never_sure_the_surest_picture_is_kept(backbone):
    spec = Attack(photo="x", target=1, epsilon=16, steps=12, confidence=1.0)
    (found,) = finished(backbone, [spec])
    reached = [probability for _, probability, margin in found.history if margin < 0]
    assert found.is_fooled
    assert found.first_confident is None
    assert saved_probability(backbone, found) == pytest.approx(max(reached))


@pytest.mark.parametrize("method", ["minimum", "sparse"])
def test_the_smallest_change_is_the_smallest_of_which_the_network_is_sure(backbone, method):
    spec = Attack(photo="x", target=1, epsilon=16, steps=30, method=method)
    sure, on_top = (finished(backbone, [replace(spec, confidence=c)])[0] for c in (0.9, 0.0))
    assert on_top.found_probability < 0.9 <= sure.found_probability
    assert on_top._size(on_top.found) < sure._size(sure.found)


def test_a_confidence_lowered_during_a_run_ends_it(backbone):
    spec = Attack(photo="x", target=1, epsilon=16, steps=1000, confidence=1.0)
    goal = ClassGoal((1,), is_targeted=True)
    attack, batch = begin([backbone], spec, array_from(random_pixels()), goal)
    while attack.found is None:
        step(batch, [attack])
    batch.leave(attack.slot)
    attack.take([(3, "confidence", 0.0)], spec.moved(confidence=0.0))
    batch.join(attack.slot)
    step(batch, [attack])
    assert attack.is_done
    assert attack.is_fooled


def test_a_smaller_epsilon_holds_from_the_very_next_picture(backbone):
    spec = Attack(photo="x", target=4, epsilon=8, steps=20, confidence=1)
    goal = ClassGoal((4,), is_targeted=True)
    attack, batch = begin([backbone], spec, array_from(random_pixels()), goal)
    for _ in range(4):
        step(batch, [attack])
    batch.leave(attack.slot)
    attack.take([(3, "epsilon", 2)], spec.moved(epsilon=2))
    batch.join(attack.slot)
    step(batch, [attack])
    change = array_from(attack.latest).astype(int) - attack.original
    assert np.abs(change).max() == 2
    assert np.abs(attack.picture.astype(int) - attack.original).max() <= 2


def test_networks_of_two_sizes_are_attacked_together():
    backbones = [tiny_backbone(seed=0), tiny_backbone(seed=1, key="other")]
    original = array_from(random_pixels())
    spec = Attack(photo="x", target=2, epsilon=16, steps=20)
    attack, batch = begin(backbones, spec, original, ClassGoal((2,), is_targeted=True))
    while not attack.is_done:
        step(batch, [attack])
    answers = [int(logits_of(backbone, attack.picture).argmax()) == 2 for backbone in backbones]
    assert attack.is_fooled == all(answers)


def test_an_attack_leaves_weights_modes_and_hooks_alone(backbone):
    finished(backbone, [Attack(photo="x", target=4, epsilon=5, steps=3)])
    modules = [backbone.body, backbone.head]
    assert not any(part.training for module in modules for part in module.modules())
    assert all(weight.grad is None for module in modules for weight in module.parameters())
    assert not any(part._forward_hooks for part in nn.ModuleList(modules).modules())


def test_every_step_of_a_run_has_its_row_until_there_are_too_many(backbone, monkeypatch):
    monkeypatch.setattr("tl_core.imageopt.member.HISTORY_ROWS", 64)
    spec = Attack(photo="x", target=4, epsilon=0, steps=150)
    (found,) = finished(backbone, [spec])
    steps = [row[0] for row in found.history]
    assert 32 <= len(steps) <= 64
    assert steps == sorted(steps)
    assert not found.is_fooled
    assert np.array_equal(found.picture, found.original)


def test_answers_come_from_the_picture_as_pages_show_it(backbone):
    array = array_from(random_pixels(side=48))
    row = backbone.row
    fitted = to_array(fit(Image.fromarray(array), row.input_size, row.resize, row.interpolation))
    expected = backbone.logits(pixels_from(fitted, CPU))[0]
    assert torch.allclose(logits_of(backbone, array), expected, atol=1e-6)
