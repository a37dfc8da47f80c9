"""Figures about a classifier's answers."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tl_core.datasets.dataset import Example
from tl_core.specs import ClassFigures, FineTuneResult, Prediction

_Z95 = 1.959964  # the normal distribution's 97.5 % point


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``hits`` in ``total``; (0, 1) for none at all.

    Unlike the plus-or-minus that schools teach it stays inside [0, 1] and is honest about few
    photographs.

    Source:
        Wilson 1927, JASA 22(158).
    """
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, _Z95**2 / total
    centre = share + square / 2
    reach = math.sqrt(square * (share * (1 - share) + square / 4))
    low, high = (centre - reach) / (1 + square), (centre + reach) / (1 + square)
    return max(min(low, share), 0.0), min(max(high, share), 1.0)  # rounding may miss all or none


def evaluate(
    probs: Tensor, examples: Sequence[Example], classes: Sequence[str], *, model: str
) -> FineTuneResult:
    """Return the figures of a classifier on photographs with known labels.

    Args:
        probs: Shape (N, C), on the CPU.
        examples: The N photographs, none of which was trained on.
        classes: The C names.
        model: The store's key of the model.
    """
    labels = torch.tensor([example.label for example in examples])
    confidence, predicted = probs.max(1)
    top3 = probs.topk(min(3, len(classes)), dim=1).indices.eq(labels[:, None]).any(1)
    hits = int(predicted.eq(labels).sum())
    confusion = torch.zeros(len(classes), len(classes), dtype=torch.long)
    confusion.index_put_((labels, predicted), torch.tensor(1), accumulate=True)
    return FineTuneResult(
        accuracy=hits / len(examples),
        interval=wilson(hits, len(examples)),
        top3=float(top3.double().mean()),
        classes=_class_figures(confusion, classes),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        predictions=tuple(
            Prediction(example.key, example.name, example.label, *answer)
            for example, *answer in zip(
                examples, predicted.tolist(), confidence.tolist(), top3.tolist(), strict=True
            )
        ),
        model=model,
    )


def _class_figures(confusion: Tensor, classes: Sequence[str]) -> tuple[ClassFigures, ...]:
    right = confusion.diagonal()
    recall = right / confusion.sum(1).clamp(min=1)
    precision = right / confusion.sum(0).clamp(min=1)
    figures = zip(
        classes, confusion.sum(1).tolist(), recall.tolist(), precision.tolist(), strict=True
    )
    return tuple(ClassFigures(*row) for row in figures)
