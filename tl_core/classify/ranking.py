"""From scores to what a visitor reads: the likeliest classes with their probabilities."""

from collections.abc import Sequence

import torch

from tl_core.specs.classify import Answer


def top_classes(scores: Sequence[float], classes: Sequence[str], top: int) -> tuple[Answer, ...]:
    """Return the ``top`` classes with their softmax probabilities, best first."""
    probs = torch.tensor(scores).softmax(0)
    values, indices = probs.topk(min(top, len(probs)))
    return tuple(
        Answer(index=index, label=classes[index], probability=value)
        for value, index in zip(values.tolist(), indices.tolist(), strict=True)
    )
