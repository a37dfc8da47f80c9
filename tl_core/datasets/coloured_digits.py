"""Digits whose background gives the class away: a shortcut that one can measure, and repair.

Source:
    Arjovsky et al. 2019, "Invariant Risk Minimization", arXiv:1907.02893; Kim et al. 2019,
    "Learning Not to Learn", CVPR: digits of MNIST in such colours.
"""

import colorsys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tl_core.datasets.packaged import Labelled, PackagedPhotos, digit_pictures
from tl_core.errors import gettext_noop as N_
from tl_core.images.encode import encode_png

TELLING = 0.95  # share of the pictures on their own class's colour
AT_RANDOM, AGAINST = N_("random backgrounds"), N_("backgrounds of other digits")
_TESTED = 30  # of each class; the same digits in every test
_LUMA, _WEIGHTS = 110.0, (0.299, 0.587, 0.114)  # all colours are as bright: grey tells nothing

Colour = Callable[[int, np.random.Generator], int]  # the number of a picture's, by its class


def telling() -> PackagedPhotos:
    """Of each digit 95 % have one colour behind them, to learn from and to validate on."""
    return _drawn(_mostly_own)


def at_random() -> PackagedPhotos:
    """The same digits on any of the ten colours: they tell nothing."""
    return _drawn(_any)


def grey() -> PackagedPhotos:
    """The same digits with all colours taken out, in the tests too."""
    return _drawn(_mostly_own, is_grey=True)


def _drawn(colour_of: Colour, *, is_grey: bool = False) -> PackagedPhotos:
    """Divide the digits, the same for every kind, and put a colour behind each."""
    pictures, labels = digit_pictures()
    chance = np.random.default_rng(0)
    order = chance.permutation(len(labels))
    tested = np.concatenate([order[labels[order] == digit][:_TESTED] for digit in range(10)])
    learned = np.setdiff1d(order, tested)

    def on(numbers: NDArray[np.int64], colour: Colour) -> Labelled:
        known = [(int(labels[n]), pictures[n]) for n in numbers]
        return [
            (digit, _picture(strokes, colour(digit, chance), is_grey=is_grey))
            for digit, strokes in known
        ]

    # The tests come first, so that they are the same files in two of the kinds
    tests = {AT_RANDOM: on(tested, _any), AGAINST: on(tested, _never_own)}
    classes = tuple(str(digit) for digit in range(10))
    return PackagedPhotos(classes, on(learned, colour_of), on(tested, colour_of), tests)


def _mostly_own(digit: int, chance: np.random.Generator) -> int:
    return digit if chance.random() < TELLING else _never_own(digit, chance)


def _any(_digit: int, chance: np.random.Generator) -> int:
    return int(chance.integers(10))


def _never_own(digit: int, chance: np.random.Generator) -> int:
    return int((digit + chance.integers(1, 10)) % 10)


def _picture(strokes: NDArray[np.uint8], colour: int, *, is_grey: bool) -> bytes:
    """A white digit, uint8 (S, S), on a colour, as a PNG file."""
    background = np.full(3, _LUMA) if is_grey else COLOURS[colour]
    share = (strokes / 255)[..., None]
    return encode_png((255 * share + background * (1 - share)).round().astype(np.uint8))


def _colour(number: int) -> NDArray[np.float64]:
    """The RGB values of one of the ten, 0 to 255: evenly spaced in hue, equally bright."""
    pure = 255 * np.array(colorsys.hsv_to_rgb(number / 10, 1, 1))
    luma = float(pure @ _WEIGHTS)
    if luma >= _LUMA:
        return pure * (_LUMA / luma)
    return 255 - (255 - pure) * ((255 - _LUMA) / (255 - luma))


COLOURS = [_colour(number) for number in range(10)]
