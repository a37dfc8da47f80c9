"""Gradient descent, momentum, Adam and signed steps as rows of one formula, a row per slot."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tl_core.imageopt.reductions import mean_of_each


@dataclass(frozen=True, slots=True)
class UpdateRule:
    """One optimiser: which parts of the common formula it uses.

    m <- keep m + take g;  v <- keep_square v + (1 - keep_square) s;  then a step along m, along
    m / sqrt(v) where ``is_adaptive`` (both without Adam's bias towards zero), or along sign(m).
    s is g², of which the share ``shared`` is the mean over the whole picture: at 0 each value is
    scaled by its own history, at 1 all by one number, and the step keeps the gradient's direction.

    Source:
        Kingma & Ba 2014, arXiv:1412.6980 (Adam); Ginsburg et al. 2019, arXiv:1905.11286 (one v
        for many values); Madry et al. 2017, arXiv:1706.06083 (signs).
    """

    keep: float = 0.0
    take: float = 1.0
    keep_square: float = 0.0
    is_unbiased: bool = False
    is_adaptive: bool = False
    is_signed: bool = False
    shared: float = 0.0


UPDATE_RULES: dict[str, UpdateRule] = {
    "descent": UpdateRule(),
    "momentum": UpdateRule(keep=0.9, take=1.0),
    "adam": UpdateRule(keep=0.9, take=0.1, keep_square=0.999, is_unbiased=True, is_adaptive=True),
    "shared": UpdateRule(
        keep=0.9, take=0.1, keep_square=0.99, is_unbiased=True, is_adaptive=True, shared=0.5
    ),
    "sign": UpdateRule(is_signed=True),
    "momentum_sign": UpdateRule(keep=0.9, take=1.0, is_signed=True),
    "sign_with_memory": UpdateRule(keep=1.0, take=1.0, is_signed=True),
}


def coefficients(
    rule: UpdateRule, learning_rate: float, step: int, decay: float = 0.0
) -> tuple[float, ...]:
    """Return the row of numbers that ``update`` takes for a slot whose ``step``s are done.

    ``decay`` is the share of the way back to where the slot began that it goes before the step.
    """
    bias = 1 - rule.keep ** (step + 1) if rule.is_unbiased else 1.0
    bias_square = 1 - rule.keep_square ** (step + 1) if rule.is_adaptive else 1.0
    return (
        learning_rate / bias,
        rule.keep,
        rule.take,
        rule.keep_square,
        1 / bias_square,
        rule.is_adaptive,
        rule.is_signed,
        rule.shared,
        decay,
    )


def update(state: Tensor, gradients: Tensor, rows: Tensor) -> None:
    """Take one step in place, each slot by its own row.

    Args:
        state: Parameters, first and second moments and where the parameters began, (N, 4, ...).
        gradients: Of the loss with respect to the parameters, shape (N, ...).
        rows: Rows of ``coefficients``, shape (N, 9).

    Source:
        Loshchilov & Hutter 2017, arXiv:1711.05101 (decay apart from the gradient).
    """
    if state.device.type == "cpu":
        for slot, gradient, row in zip(state, gradients, rows.tolist(), strict=True):
            _update_one(slot, gradient, *row)
    else:
        update_together(state, gradients, rows)


def update_together(state: Tensor, gradients: Tensor, rows: Tensor) -> None:
    """Do what ``update`` does without a look at any number, as graphics cards want it."""
    columns = rows.view(*rows.shape, *[1] * (gradients.dim() - 1)).unbind(1)
    rate, keep, take, keep_square, unbias_square, is_adaptive, is_signed, shared, decay = columns
    parameters, first, second, start = state.unbind(1)
    first.mul_(keep).add_(take * gradients)
    squares = gradients.square()
    squares = squares.lerp(mean_of_each(squares).view_as(rate), shared)
    second.mul_(keep_square).add_((1 - keep_square) * squares)
    adaptive = first / ((second * unbias_square).sqrt() + 1e-8)
    direction = torch.where(is_adaptive > 0, adaptive, first)
    parameters.lerp_(start, decay)
    parameters.sub_(rate * torch.where(is_signed > 0, first.sign(), direction))


def _update_one(
    slot: Tensor,
    gradient: Tensor,
    rate: float,
    keep: float,
    take: float,
    keep_square: float,
    unbias_square: float,
    is_adaptive: float,
    is_signed: float,
    shared: float,
    decay: float,
) -> None:
    """The same for one slot with numbers known to the host, in a third to a half of the time."""
    parameters, first, second, start = slot
    first.mul_(keep).add_(gradient, alpha=take)
    if decay:
        parameters.lerp_(start, decay)
    if is_signed or not is_adaptive:
        parameters.sub_(first.sign() if is_signed else first, alpha=rate)
        return
    squares = gradient.square()
    mean = mean_of_each(squares[None]) * ((1 - keep_square) * shared)
    second.mul_(keep_square).add_(squares, alpha=(1 - keep_square) * (1 - shared)).add_(mean)
    roots = torch.mul(second, unbias_square, out=squares).sqrt_().add_(1e-8)
    parameters.addcdiv_(first, roots, value=-rate)
