import pytest

from tests.app.conftest import settled, words


@pytest.fixture
def page(open_page):
    return settled(open_page("why"))


def test_the_predicted_class_and_the_runner_up_are_explained_with_proof(page):
    reasons = [block.value for block in page.subheader if block.value.startswith("Why ")]
    assert len(reasons) == 2
    assert "cat" in reasons[0]
    assert len(page.metric) == 2
    assert "A random fifth instead" in words(page)


def test_any_class_can_be_asked_for(page):
    page.multiselect(key="target_classes").set_value([340]).run()
    settled(page)
    assert [block.value for block in page.subheader if "zebra" in block.value]


def test_several_methods_stand_side_by_side(page):
    page.button_group(key="methods").set_value(["gradcam", "integrated_gradients"]).run()
    settled(page)
    assert len(page.metric) == 4


def test_a_method_that_this_network_does_not_allow_says_why(page):
    page.button_group(key="methods").set_value(["guided_gradcam"]).run()
    settled(page)
    assert any("ReLU" in error.value for error in page.error)


def test_without_a_method_the_page_asks_for_one(page):
    page.button_group(key="methods").set_value([]).run()
    assert "Choose at least one method" in page.info[0].value
