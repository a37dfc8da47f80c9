import pytest

from tl_core.datasets.spec import require_classes
from tl_core.errors import UserError

PHOTOS = ("a", "b")


@pytest.mark.parametrize("other", ["café", "cafe\u0301"])
def test_classes_whose_names_look_the_same_are_refused(other: str) -> None:
    require_classes((("cafe", PHOTOS), (other, PHOTOS)))
    with pytest.raises(UserError, match="a name of its own"):
        require_classes((("café", PHOTOS), (other, PHOTOS)))
