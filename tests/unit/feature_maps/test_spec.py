import pytest

from tl_core.errors import UserError
from tl_core.specs.attribution import Attribute
from tl_core.specs.feature_maps import Mosaic


def test_a_map_of_no_method_is_refused():
    with pytest.raises(UserError, match="methods must be between 1"):
        Attribute(photo="sample:cat", methods=())


def test_a_mosaic_knows_its_own_geometry():
    grid = Mosaic(picture=b"", channels=(9, 4, 7, 2, 5), columns=3, tile=10, gap=2)
    assert grid.rows == 2
    assert grid.size == (34, 22)
    assert grid.box(4) == (12, 12, 22, 22)
