"""A key has one meaning, one kind of widget and one range over all pages."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared.sitemap import PAGES
from tests.journeys.visitor import Action, Broken, Walk

FAR = 3  # in the list of backbones: one that is not on this machine
VARIANTS = {
    "pages/backbones/page.py": [("photo", "good-240.jpg")],
    "pages/feature_maps/page.py": [("compare", kind) for kind in range(4)],
    "pages/attribution/page.py": [("methods", [0, 1, 2]), ("methods", []), ("rather_than", 1)],
    "pages/training/page.py": [("dataset", 4), ("dataset", 1), ("mode", [0, 1, 2, 3, 4])],
    "pages/ideal/page.py": [
        ("goal", 1),
        ("goal", 2),
        ("goal", 3),
        ("goal", 0),
        ("from_photo", True),
    ],
    "pages/attack/page.py": [("aim", 1), ("aim", 0)],
}


def test_no_key_has_two_meanings_on_any_page_in_any_of_its_variants(walked_lab):
    with Walk(walked_lab) as walk:
        for page in PAGES:
            walk.do(Action(0, "@page", page.path))
            for key, value in VARIANTS[page.path]:
                assert walk.do(Action(0, key, value)), key
            walk.do(Action(0, "backbone", FAR))
            walk.do(Action(0, "backbone", 0))
        known = {key for key, _language in walk.meanings}
    assert {"steps", "ig_steps", "target_class", "explained", "seed", "epsilon"} <= known
    assert {"layer_2", "backbone_2", "sample_2", "second_class", "goal_unit", "avoid"} <= known


def _a_slider(high: int) -> None:
    import streamlit as st

    st.title(f"up to {high}")
    st.slider("Steps", 0, high, key="steps")


def _a_number() -> None:
    import streamlit as st

    st.number_input("Steps", 0, 10, key="steps")


@pytest.mark.parametrize(
    "other", [AppTest.from_function(_a_slider, args=(128,)), AppTest.from_function(_a_number)]
)
def test_another_range_or_another_kind_of_widget_under_one_key_is_found(walked_lab, other):
    walk = Walk(walked_lab)
    walk._check_keys(AppTest.from_function(_a_slider, args=(10,)).run())
    with pytest.raises(Broken, match="key steps with two meanings"):
        walk._check_keys(other.run())
