"""What a model's file holds of "none of these": its tensors, checked as strictly as the others."""

import json
from collections.abc import Mapping
from typing import get_args

import torch
from torch import Tensor

from tl_core.backbones.novelty import MOST_REFERENCES, NoveltyDetector
from tl_core.errors import gettext_noop as N_
from tl_core.specs.classify import CalibrationKind

NOVELTY = "novelty."  # before the names of its tensors
_MOST_DISTANCES = 100_000
_LENGTH_ERROR = 0.01  # of a unit vector in half precision
_NAMES = ("reference", "distances", "weights")


class UnusableError(ValueError):
    """Says in the lab's own words why a model's file cannot be used."""


def novelty_tensors(detector: NoveltyDetector) -> dict[str, Tensor]:
    """Return its tensors by the names that they have in a file."""
    return {f"{NOVELTY}{name}": getattr(detector, name) for name in _NAMES}


def novelty_metadata(detector: NoveltyDetector, *, has_keys: bool) -> dict[str, str]:
    """Return what a file's header says of it; the photographs' keys only where asked for."""
    keys = {"novelty_keys": json.dumps(detector.keys)} if has_keys else {}
    return {"novelty": detector.kind} | keys


def take_novelty(
    state: dict[str, Tensor], metadata: Mapping[str, str], device: torch.device, *, has_keys: bool
) -> NoveltyDetector | None:
    """Take the detector's tensors out of a file's; none where the file has none.

    Keys of photographs are taken only from a file that ``has_keys`` of this lab's own writing.

    Raises:
        UnusableError: If they are not those of a detector.
    """
    found = {name: state.pop(f"{NOVELTY}{name}", None) for name in _NAMES}
    kind = metadata.get("novelty")
    if kind is None and not any(tensor is not None for tensor in found.values()):
        return None
    reference, distances, weights = found.values()
    kinds: tuple[CalibrationKind, ...] = get_args(CalibrationKind)
    known = next((one for one in kinds if one == kind), None)
    if known is None or reference is None or distances is None or weights is None:
        raise _unusable()
    _require_numbers(reference, distances, weights)
    keys = tuple(json.loads(metadata["novelty_keys"])) if has_keys else ()
    return NoveltyDetector(reference.to(device), distances, weights, known, keys)


def require_fits(detector: NoveltyDetector, embedding_size: int) -> None:
    """Refuse one that is for embeddings of another length.

    Raises:
        UnusableError: If so.
    """
    if detector.reference.shape[1] != embedding_size:
        raise _unusable()


def _require_numbers(reference: Tensor, distances: Tensor, weights: Tensor) -> None:
    has_types = reference.dtype == torch.float16 and {distances.dtype, weights.dtype} == {
        torch.float32
    }
    has_shapes = (
        reference.ndim == 2
        and 0 < len(reference) <= MOST_REFERENCES
        and distances.ndim == 1
        and 0 < len(distances) <= _MOST_DISTANCES
        and weights.shape == distances.shape
    )
    if not has_types or not has_shapes:
        raise _unusable()
    lengths = reference.float().norm(dim=1)
    is_sound = (  # a comparison with NaN is false
        ((lengths - 1).abs() <= _LENGTH_ERROR).all()
        & ((distances >= 0) & (distances <= 2)).all()
        & (distances.diff() >= 0).all()
        & ((weights > 0) & (weights <= _MOST_DISTANCES)).all()
    )
    if not bool(is_sound):
        raise _unusable()


def _unusable() -> UnusableError:
    return UnusableError(N_('its figures for "none of these" are not usable'))
