import pytest

from tl_core.errors import UserError
from tl_core.specs.datasets import require_classes

PHOTOS = ("a", "b")


@pytest.mark.parametrize("unseen", ["", " ", "\u3164", "\u2800", "\u200d", "\u2060\ufe0f"])
@pytest.mark.parametrize("seen", ["", "cat"])
def test_a_class_whose_name_shows_nothing_more_than_another_is_refused(
    seen: str, unseen: str
) -> None:
    with pytest.raises(UserError, match="its own name"):
        require_classes(((seen or "dog", PHOTOS), (seen + unseen, PHOTOS)))


@pytest.mark.parametrize("other", ["café", "cafe\u0301"])
def test_classes_whose_names_look_the_same_are_refused(other: str) -> None:
    require_classes((("cafe", PHOTOS), (other, PHOTOS)))
    with pytest.raises(UserError, match="its own name"):
        require_classes((("café", PHOTOS), (other, PHOTOS)))
