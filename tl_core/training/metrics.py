"""Figures about a classifier's answers."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

from tl_core.datasets.dataset import Example
from tl_core.specs.training import ClassFigures, FineTuneResult, Prediction


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``hits`` in ``total``; (0, 1) for none at all.

    Unlike the normal approximation it stays inside [0, 1] and is accurate for few
    photographs.

    Source:
        Wilson 1927, JASA 22(158); SciPy's implementation.
    """
    from scipy.stats import binomtest  # 57 MB and most of a second, once

    if total == 0:
        return 0.0, 1.0
    interval = binomtest(hits, total).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def evaluate(
    probs: Tensor,
    examples: Sequence[Example],
    classes: Sequence[str],
    *,
    model: str,
    p_values: Mapping[str, float] = MappingProxyType({}),
) -> FineTuneResult:
    """Return the figures of a classifier on photographs with known labels; for the pool.

    Args:
        probs: Shape (N, C), on the CPU.
        examples: The N photographs, none of which was trained on; there may be none at all.
        classes: The C names.
        model: The store's key of the model.
        p_values: Of "none of these", by the photographs' keys.
    """
    if not examples:
        figures = tuple(ClassFigures(name, 0, 0.0, 0.0) for name in classes)
        confusion = tuple((0,) * len(classes) for _ in classes)
        return FineTuneResult(math.nan, (0.0, 1.0), math.nan, figures, confusion, (), model)
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support  # 134 MB

    labels = torch.tensor([example.label for example in examples])
    confidence, predicted = probs.max(1)
    top3 = probs.topk(min(3, len(classes)), dim=1).indices.eq(labels[:, None]).any(1)
    hits = int(predicted.eq(labels).sum())
    answers = labels.numpy(), predicted.numpy()
    numbers = range(len(classes))
    precision, recall, _, photographs = precision_recall_fscore_support(
        *answers, labels=numbers, zero_division=0
    )
    columns = (photographs.tolist(), recall.tolist(), precision.tolist())
    return FineTuneResult(
        accuracy=hits / len(examples),
        interval=wilson(hits, len(examples)),
        top3=float(top3.double().mean()),
        classes=tuple(map(ClassFigures, classes, *columns)),
        confusion=tuple(map(tuple, confusion_matrix(*answers, labels=numbers).tolist())),
        predictions=tuple(
            Prediction(
                example.key,
                example.name,
                example.label,
                best,
                share,
                hit,
                p_values.get(example.key),
            )
            for example, best, share, hit in zip(
                examples, predicted.tolist(), confidence.tolist(), top3.tolist(), strict=True
            )
        ),
        model=model,
    )
