"""A button that copies the page's address, which holds what is chosen on it."""

from pages.shared.choose_backbone import label_of
from pages.shared.choose_photo import photo_label
from pages.shared.components import component
from pages.shared.visit import the_visit
from pages.shared.words import _
from tl_core.specs.base import DEFAULT_BACKBONE, OWN

_mount = component("copy_link")


def copy_link(photo: str, backbone: str, *, first_photo: str) -> None:
    """Draw the button; the browser alone copies, and says what a link does not take along.

    ``photo`` and ``backbone`` are the page's; whoever opens the link sees ``first_photo`` and the
    usual network where these are the visitor's own.
    """
    data = {
        "label": _("Copy link"),
        "copied": _copied(photo, backbone, first_photo),
        "refused": _("Your browser didn't allow it. Copy the address above."),
    }
    _mount(key="copy_link", data=data, width=40, height=40)


def _copied(photo: str, backbone: str, first_photo: str) -> str:
    is_own_photo, is_own_model = photo in the_visit().photos, backbone.startswith(OWN)
    if is_own_photo and is_own_model:
        words = _(
            "Copied. Your model and your photograph stay with you: anyone who opens the link sees "
            "{network} and “{photo}” instead."
        )
    elif is_own_model:
        words = _(
            "Copied. Your model stays with you: anyone who opens the link sees {network} instead."
        )
    elif is_own_photo:
        words = _(
            "Copied. Your photograph stays with you: anyone who opens the link sees “{photo}” "
            "instead."
        )
    else:
        return _("Copied")
    return words.format(photo=photo_label(first_photo), network=label_of(DEFAULT_BACKBONE))
