"""Transforms that a saved picture meets when it is shared, as rows."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageFilter

from tl_core.errors import gettext_noop as N_
from tl_core.images.decode import read_back
from tl_core.images.encode import encode_jpeg
from tl_core.images.photo import Photo, to_array


@dataclass(frozen=True, slots=True)
class Transform:
    """One transform; ``apply`` returns a new picture."""

    key: str  # stable id
    label: str  # what visitors read
    why: str  # where it happens
    apply: Callable[[Photo], Photo]


def _jpeg(quality: int) -> Callable[[Photo], Photo]:
    return lambda photo: Image.fromarray(read_back(encode_jpeg(photo, quality)))


def _resized(scale: float) -> Callable[[Photo], Photo]:
    """Scale down, and back up to the old size."""

    def apply(photo: Photo) -> Photo:
        small = photo.resize((round(photo.width * scale), round(photo.height * scale)))
        return small.resize(photo.size)

    return apply


def _shifted(photo: Photo) -> Photo:
    """Move the picture one pixel right and down; the edge repeats."""
    array = to_array(photo)
    array[1:, 1:] = array[:-1, :-1].copy()
    array[0, 1:], array[:, 0] = array[1, 1:], array[:, 1]
    return Image.fromarray(array)


def _cropped(photo: Photo) -> Photo:
    """Lose a twentieth at every edge and be scaled back, as a screenshot is."""
    x, y = photo.width / 20, photo.height / 20
    return photo.resize(photo.size, box=(x, y, photo.width - x, photo.height - y))


def _blurred(photo: Photo) -> Photo:
    return photo.filter(ImageFilter.GaussianBlur(0.67))


TRANSFORMS: tuple[Transform, ...] = tuple(
    Transform(*row)
    for row in (
        ("jpeg-95", N_("JPEG, quality 95"), N_("Saved once at high quality."), _jpeg(95)),
        (
            "jpeg-75",
            N_("JPEG, quality 75"),
            N_("Sent in a messaging app or shown on a website."),
            _jpeg(75),
        ),
        ("jpeg-50", N_("JPEG, quality 50"), N_("Saved to take up little space."), _jpeg(50)),
        (
            "resize-90",
            N_("90 % and back"),
            N_("Shown a little smaller, then enlarged."),
            _resized(0.9),
        ),
        (
            "shift-1",
            N_("Shifted by one pixel"),
            N_("Pasted one pixel further right and down."),
            _shifted,
        ),
        ("blur", N_("Slight blur"), N_("Out of focus by two thirds of a pixel."), _blurred),
        (
            "crop",
            N_("Screenshot"),
            N_("A twentieth cut off each edge, then enlarged again."),
            _cropped,
        ),
    )
)
