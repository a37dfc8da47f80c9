import pytest
import torch

from tl_core.specs.training import AUGMENTATIONS, Augmentation, CurvePoint
from tl_core.training.inputs import PrecomputedInputs, augmented
from tl_core.training.progress import MAX_CURVE_POINTS, thinned


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_augmented_pictures_stay_pictures(augmentation: Augmentation) -> None:
    pixels = torch.rand(16, 3, 20, 20)
    changed = augmented(pixels, augmentation, generator())
    assert changed.shape == pixels.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    again = augmented(pixels, augmentation, generator())
    assert torch.equal(changed, again)


def test_a_mirror_flips_about_half_and_nothing_else() -> None:
    pixels = torch.rand(64, 3, 4, 4)
    changed = augmented(pixels, "mirror", generator())
    kept = (changed == pixels).all(dim=(1, 2, 3))
    flipped = (changed == pixels.flip(3)).all(dim=(1, 2, 3))
    assert (kept ^ flipped).all()
    assert 16 < flipped.sum() < 48


def drain(kept: PrecomputedInputs) -> torch.Tensor:
    try:
        next(kept.next_batch())
    except StopIteration as end:
        return end.value
    raise AssertionError("kept inputs never wait")


def test_versions_are_drawn_for_training_only() -> None:
    plain, mirrored = torch.zeros(200, 1).half(), torch.ones(200, 1).half()
    kept = PrecomputedInputs([plain, mirrored], torch.zeros(200), seed=0)
    kept.plan([list(range(200))], is_training=True)
    assert 60 < drain(kept).sum() < 140
    kept.plan([list(range(200))], is_training=False)
    assert drain(kept).sum() == 0


def test_a_thinned_curve_keeps_its_end_and_its_mean() -> None:
    for count in (MAX_CURVE_POINTS + 1, MAX_CURVE_POINTS + 2):
        curve = [CurvePoint(float(i), float(i), 0.0) for i in range(count)]
        short = thinned(curve)
        assert len(short) == (count + 1) // 2
        assert short[-1].epoch == count - 1
        assert short[0].loss == 0.5
