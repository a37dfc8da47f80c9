"""Whether a classifier is as sure as it is right, and the temperature that brings it there."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from tl_core.specs.training import Reliability, ReliabilityBin, TemperatureScaling

LEAST = 100  # photographs: with fewer, bins say nothing
_BINS = 10
_REACH = 3.0  # of the logarithm of the temperature: 1/20 to 20


def scale_temperature(probs: Tensor, labels: Tensor) -> TemperatureScaling | None:
    """Return how reliable a classifier's probabilities are, and would be at the best temperature.

    Dividing all logits by one temperature changes no answer, only how sure it is. Each half of the
    photographs is scaled by the temperature that suits the other half.

    Args:
        probs: Softmax probabilities, shape (N, C), on the CPU.
        labels: True classes, shape (N,).

    Returns:
        None for fewer than 100 photographs.

    Source:
        Guo et al. 2017, arXiv:1706.04599.
    """
    if len(labels) < LEAST:
        return None
    logits = probs.double().clamp_min(1e-12).log()  # but for a constant, which softmax ignores
    scaled = torch.empty_like(logits)
    for half, other in ((0, 1), (1, 0)):
        scaled[half::2] = logits[half::2] / _best_temperature(logits[other::2], labels[other::2])
    return TemperatureScaling(
        before=reliability(probs, labels),
        after=reliability(scaled.softmax(1), labels),
        temperature=_best_temperature(logits, labels),
    )


def reliability(probs: Tensor, labels: Tensor) -> Reliability:
    """Return accuracy by confidence in ten bins, and the expected calibration error.

    Args:
        probs: Shape (N, C).
        labels: True classes, shape (N,).
    """
    confidence, answers = probs.double().max(1)
    is_right = answers.eq(labels).double()
    places = (confidence * _BINS).long().clamp_max(_BINS - 1)
    bins = tuple(
        ReliabilityBin(
            confidence=float(confidence[places == place].mean()),
            accuracy=float(is_right[places == place].mean()),
            photographs=int((places == place).sum()),
        )
        for place in torch.unique(places).tolist()
    )
    gaps = sum(one.photographs * abs(one.confidence - one.accuracy) for one in bins)
    return Reliability(bins, gaps / len(labels))


def _best_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature at which the cross-entropy is least."""
    from scipy.optimize import minimize_scalar  # slow to import

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits / math.exp(log_temperature), labels))

    return math.exp(minimize_scalar(loss, bounds=(-_REACH, _REACH), method="bounded").x)
