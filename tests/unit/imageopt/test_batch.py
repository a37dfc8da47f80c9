import dataclasses

import pytest
import torch

from tests.lack_of_memory import LACKS_OF_MEMORY
from tests.unit.tiny import TINY, tiny_backbone
from tl_core.backbones.store import BackboneStore
from tl_core.errors import UserError
from tl_core.ideal.slot import recipe_slot
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.losses import ChannelObjective
from tl_core.imageopt.optimisers import UPDATE_RULES
from tl_core.settings import Settings
from tl_core.specs.ideal_recipes import RECIPES
from tl_core.specs.recipe import Ramp, always

SMALLER = dataclasses.replace(TINY, input_size=24, resize=24)


def slot_of(recipe="ideal", *, target=3, seed=0, steps=40, optimiser=None, **changes):
    row = RECIPES[recipe]
    slot = recipe_slot(
        row,
        target_weights=torch.eye(10)[target],
        seed=seed,
        steps=steps,
        side=32,
    )
    # as if no recipe scaled the gradient through residual branches
    changes = {"residual_factor": 1.0, "rule": UPDATE_RULES[optimiser or row.optimiser]} | changes
    for group in ("objective", "augmentation", "update"):
        names = {field.name for field in dataclasses.fields(getattr(slot, group))}
        mine = {name: changes.pop(name) for name in names & changes.keys()}
        setattr(slot, group, dataclasses.replace(getattr(slot, group), **mine))
    assert not changes
    return slot


def picture_of(batch, slot):
    return batch.pixels()[batch.slots.index(slot)]


def run(backbone, slot, steps):
    batch = Batch([backbone])
    batch.join(slot)
    readings = [batch.step() for _ in range(steps)]
    return batch, readings


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_climbs_towards_its_class(backbone, recipe):
    # an untrained network knows nothing of turned or mirrored things
    _, readings = run(backbone, slot_of(recipe, tv_weight=1.0, strength=0.0), 40)
    goal = 2 + readings[0].terms.index(next(iter(RECIPES[recipe].terms))[0])
    assert readings[-1].values[0, goal] < readings[0].values[0, goal] - 0.5


def test_a_picture_that_nothing_is_asked_of_goes_back_to_its_start(backbone):
    slot = slot_of("fourier", terms={}, tv_weight=0.0, decay=0.5)
    start = slot.state[0].clone()
    slot.state[0] += 1.0
    batch, _ = run(backbone, slot, 20)
    batch.leave(slot)
    torch.testing.assert_close(slot.state[0], start, atol=1e-3, rtol=0)


CASES = {
    "cross_entropy": {"terms": {"cross_entropy": always(1.0)}},
    "logit": {"terms": {"logit": always(1.0)}},
    "other_classes": {"terms": {"other_classes": always(1.0)}},
    "statistics": {"terms": {"statistics": always(1.0)}},
    "activation": {"terms": {"activation": always(1.0)}, "channel": ChannelObjective("layer1", 1)},
    "total_variation": {"terms": {}, "tv_weight": 1.0},
}


@pytest.mark.parametrize("term", CASES)
def test_each_term_falls_when_it_alone_is_asked_for(backbone, term):
    # noise that is strong enough to be smoothed
    slot = slot_of("smooth", **{"tv_weight": 0.0} | CASES[term])
    _, readings = run(backbone, slot, 15)
    column = ("probability", "total_variation", *readings[0].terms).index(term)
    assert readings[-1].values[0, column] < readings[0].values[0, column]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_step_does_not_depend_on_who_shares_the_batch(backbone, recipe):
    # plain descent, since Adam's first step turns any rounding of a gradient near 0 into its sign
    ours = [slot_of(recipe, seed=7, optimiser="descent", learning_rate=1.0) for _ in range(2)]
    start = ours[0].state[0].clone()
    others = [slot_of(key, target=i, seed=i) for i, key in enumerate(RECIPES)]
    moved = []
    for slot, company in zip(ours, ([], others), strict=True):
        batch = Batch([backbone])
        for member in (*company[:2], slot, *company[2:]):
            batch.join(member)
        batch.step()
        batch.leave(slot)
        moved.append(slot.state[0] - start)
    alone, beside = moved
    assert alone.abs().max() > 0
    assert (beside - alone).abs().max() < 1e-3 * alone.abs().max()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_step_in_fp32_agrees_within_1e_5_alone_and_in_a_batch(recipe):
    backbone, pictures = real_backbone(), []
    for seeds in ([7], [1, 7, 2]):
        batch = Batch([backbone], "fp32")
        for seed in seeds:
            slot = recipe_slot(
                RECIPES[recipe],
                target_weights=torch.eye(1000)[284],
                seed=seed,
                steps=16,
                side=224,
            )
            slot.update = dataclasses.replace(slot.update, rule=UPDATE_RULES["descent"])
            batch.join(slot)
        batch.step()
        pictures.append(batch.pixels()[seeds.index(7)])
    assert (pictures[1] - pictures[0]).abs().max() < 1e-5


def real_backbone():
    return BackboneStore(Settings.from_env(), torch.device("cpu")).load("efficientnet_lite0")


def test_a_network_that_cannot_be_folded_draws_by_every_recipe(monkeypatch):
    monkeypatch.setattr("tl_core.backbones.backbone.fold", lambda body, _inputs: body)
    unfolded = tiny_backbone()
    folded = tiny_backbone()
    batches = []
    for network in (unfolded, folded):
        if network is folded:
            monkeypatch.undo()
        batch = Batch([network])
        for target, recipe in enumerate(RECIPES):
            batch.join(slot_of(recipe, target=target, residual_factor=0.5))
        batches.append(batch)
    values = [batch.step().values for batch in batches]
    torch.testing.assert_close(values[0], values[1], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(batches[0].pixels(), batches[1].pixels(), rtol=0, atol=0.05)


def test_a_still_picture_beside_moving_ones_is_seen_as_it_is_alone():
    smaller = dataclasses.replace(tiny_backbone(key="smaller"), row=SMALLER)
    figures = []
    for company in ([], [slot_of("ideal", seed=1)]):
        batch = Batch([smaller])
        for member in (*company, slot_of("smooth", seed=7)):
            batch.join(member)
        readings = batch.step()
        column = 2 + readings.terms.index("cross_entropy")
        figures.append(float(readings.values[-1, column]))
    assert figures[1] == pytest.approx(figures[0], rel=1e-4)


def test_the_same_seed_gives_the_same_bytes(backbone):
    pictures = [run(backbone, slot_of(seed=5), 6)[0].pixels() for _ in range(2)]
    assert torch.equal(*pictures)
    assert not torch.equal(run(backbone, slot_of(seed=6), 6)[0].pixels(), pictures[0])


def test_leaving_and_coming_back_changes_nothing(backbone):
    whole, _ = run(backbone, slot_of(), 10)
    slot = slot_of()
    first, _ = run(backbone, slot, 4)
    first.leave(slot)
    assert first.slots == ()
    second, _ = run(backbone, slot, 6)
    assert torch.equal(second.pixels(), whole.pixels())


def test_slots_join_and_leave_between_steps(backbone):
    batch = Batch([backbone])
    a, b, c = (slot_of(seed=i) for i in range(3))
    batch.join(a)
    batch.step()
    batch.join(b)
    batch.join(c)
    batch.step()
    batch.leave(b)
    kept = picture_of(batch, c).clone()
    batch.leave(a)
    assert torch.equal(picture_of(batch, c), kept)
    assert (a.step, b.step, c.step) == (2, 1, 1)


def test_a_nan_stays_in_its_own_slot(backbone):
    batch = Batch([backbone])
    good, broken = slot_of(seed=1), slot_of(seed=2)
    broken.state[:] = torch.nan
    batch.join(good)
    batch.join(broken)
    for _ in range(2):
        readings = batch.step()
    assert readings.values[0].isfinite().all()
    assert not readings.values[1].isfinite().all()


def test_pixels_stay_between_0_and_1(backbone):
    batch, _ = run(backbone, slot_of("pixels", learning_rate=5.0), 3)
    assert batch.pixels().min() >= 0
    assert batch.pixels().max() <= 1


@pytest.mark.parametrize("error", LACKS_OF_MEMORY, ids=str)
def test_short_memory_halves_the_batch_and_changes_nothing(backbone, monkeypatch, error):
    calls = []
    normalise = type(backbone).normalise

    def short_of_memory(self, pixels):
        calls.append(len(pixels))
        if len(pixels) > 2:
            raise error
        return normalise(self, pixels)

    roomy, tight = (Batch([backbone]) for _ in range(2))
    for batch in (roomy, tight):
        for seed in range(5):
            batch.join(slot_of(seed=seed))
    roomy.step()
    monkeypatch.setattr(type(backbone), "normalise", short_of_memory)
    tight.step()
    assert calls == [5, 2, 2, 1]
    torch.testing.assert_close(tight.pixels(), roomy.pixels(), atol=2e-5, rtol=0)


@pytest.mark.parametrize("error", LACKS_OF_MEMORY, ids=str)
def test_no_memory_for_one_picture_is_said_in_a_sentence(backbone, monkeypatch, error):
    def no_memory(_self, _pixels):
        raise error

    batch = Batch([backbone])
    batch.join(slot_of())
    monkeypatch.setattr(type(backbone), "normalise", no_memory)
    with pytest.raises(UserError, match="too little memory"):
        batch.step()


def test_several_views_are_averaged(backbone):
    still = {"affine": RECIPES["pixels"].affine, "noise": always(0.0)}
    twice = dict(still, affine=type(still["affine"])(views=2))
    one, _ = run(backbone, slot_of(**still), 1)
    two, _ = run(backbone, slot_of(**twice), 1)
    torch.testing.assert_close(two.pixels(), one.pixels(), atol=1e-5, rtol=0)


def test_two_networks_draw_together(backbone):
    other = tiny_backbone(seed=1, key="other")
    batch = Batch([backbone, other])
    batch.join(slot_of("smooth"))
    before = [net.logits(batch.pixels()).softmax(1)[0, 3] for net in (backbone, other)]
    for _ in range(25):
        batch.step()
    after = [net.logits(batch.pixels()).softmax(1)[0, 3] for net in (backbone, other)]
    assert all(a > b for a, b in zip(after, before, strict=True))


def test_several_pictures_in_bfloat16_climb_too(backbone):
    batch = Batch([backbone], precision="bf16")
    for seed in range(2):
        batch.join(slot_of("smooth", seed=seed))
    readings = [batch.step() for _ in range(15)]
    assert (readings[-1].values[:, 0] > readings[0].values[:, 0]).all()


def test_a_ramp_arrives_and_stays():
    ramp = Ramp(1.0, 0.0, until=0.5)
    assert [ramp.at(p) for p in (0.0, 0.25, 0.5, 1.0)] == [1.0, 0.5, 0.0, 0.0]
    assert Ramp(1.0, 0.1, shape="cosine").at(0.5) == pytest.approx(0.55)
