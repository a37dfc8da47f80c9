import pytest
import torch

from tl_core.imageopt.optimisers import UPDATE_RULES, coefficients, update, update_together

ORACLES = {
    "descent": lambda p: torch.optim.SGD([p], lr=0.1),
    "momentum": lambda p: torch.optim.SGD([p], lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam([p], lr=0.1),
}


@pytest.fixture(params=[update, update_together], name="take", ids=["slot by slot", "together"])
def take_a_step(request):
    """As a processor and as a graphics card take it."""
    return request.param


def gradient_of(parameters):
    return torch.cos(3 * parameters)


@pytest.mark.parametrize("key", ORACLES)
def test_steps_equal_those_of_torch(key, take):
    start = torch.linspace(-1, 1, 6)
    oracle = start.clone().requires_grad_()
    theirs = ORACLES[key](oracle)
    state = torch.stack([start, torch.zeros(6), torch.zeros(6), start]).unsqueeze(0)
    for step in range(5):
        oracle.grad = gradient_of(oracle.detach())
        theirs.step()
        take(
            state,
            gradient_of(state[:, 0]),
            torch.tensor([coefficients(UPDATE_RULES[key], 0.1, step)]),
        )
    torch.testing.assert_close(state[0, 0], oracle.detach())


def test_signed_steps_have_one_length(take):
    state = torch.zeros(1, 4, 4)
    take(
        state,
        torch.tensor([[3.0, -0.1, 0.0, 2.0]]),
        torch.tensor([coefficients(UPDATE_RULES["sign"], 0.5, 0)]),
    )
    assert state[0, 0].tolist() == [-0.5, 0.5, 0.0, -0.5]


def test_every_slot_has_its_own_optimiser_and_rate(take):
    start, gradient = torch.ones(3, 2), torch.full((3, 2), 2.0)
    state = torch.stack([start, torch.zeros(3, 2), torch.zeros(3, 2), start], dim=1)
    rows = [("descent", 0.1), ("adam", 0.1), ("descent", 0.2)]
    take(
        state, gradient, torch.tensor([coefficients(UPDATE_RULES[k], rate, 0) for k, rate in rows])
    )
    torch.testing.assert_close(state[:, 0, 0], torch.tensor([0.8, 0.9, 0.6]))


def test_with_a_shared_moment_the_larger_value_still_moves_further(take):
    for scale in (1.0, 1000.0):
        state = torch.zeros(1, 4, 2)
        gradient = scale * torch.tensor([[3.0, 4.0]])
        take(state, gradient, torch.tensor([coefficients(UPDATE_RULES["shared"], 0.5, 0)]))
        # half of 9 or 16, and half of their mean
        by_hand = -0.5 * torch.tensor([3.0, 4.0]) / torch.tensor([10.75, 14.25]).sqrt()
        torch.testing.assert_close(state[0, 0], by_hand)


def test_decay_leads_back_to_the_start_what_no_gradient_asks_for(take):
    state = torch.tensor([[[5.0], [0.0], [0.0], [1.0]]])
    row = coefficients(UPDATE_RULES["descent"], 0.1, 0, decay=0.25)
    take(state, torch.zeros(1, 1), torch.tensor([row]))
    assert state[0, 0].item() == 4.0


def test_both_ways_take_the_same_step():
    generator = torch.Generator().manual_seed(0)
    shape = len(UPDATE_RULES), 3, 5, 4
    rows = torch.tensor([coefficients(rule, 0.1, 7, 0.05) for rule in UPDATE_RULES.values()])
    states = [torch.rand(shape[0], 4, *shape[1:], generator=generator)]
    states.append(states[0].clone())
    gradients = torch.randn(shape, generator=generator)
    for take, state in zip((update, update_together), states, strict=True):
        take(state, gradients, rows)
    torch.testing.assert_close(states[0][:, :2], states[1][:, :2])
