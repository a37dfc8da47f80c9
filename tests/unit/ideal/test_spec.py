import math

import pytest

from tl_core.errors import UserError
from tl_core.specs.ideal import IdealImage
from tl_core.specs.ideal_recipes import RECIPES

REFUSED = {
    "a huge picture": {"size": 10**5},
    "a tiny picture": {"size": 3},
    "a weight of NaN": {"tv_weight": math.nan},
    "an endless rate": {"learning_rate": math.inf},
    "a mix beyond one": {"mix": 1.5},
    "an unknown recipe": {"recipe": "soup"},
    "an unknown optimiser": {"optimiser": "lion"},
    "a move of a fixed field": {"moves": ((3, "steps", 5.0),)},
    "a move to NaN": {"moves": ((3, "mix", math.nan),)},
    "a move after the end": {"moves": ((999, "mix", 0.5),)},
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_impossible_picture_is_refused(case):
    with pytest.raises(UserError):
        IdealImage(**REFUSED[case])


def test_an_open_control_has_the_recipes_value():
    assert IdealImage(recipe="smooth").control("tv_weight") == RECIPES["smooth"].tv_weight
    assert IdealImage(tv_weight=3.0).control("tv_weight") == 3.0


def test_only_controls_move():
    assert IdealImage().moved(mix=0.5).mix == 0.5
    with pytest.raises(ValueError, match="not controls"):
        IdealImage().moved(steps=5)
