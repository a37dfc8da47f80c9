import pytest

from tests.app.conftest import settled, words


def finished(page):
    """Wait for the page's runs and draw the page once more."""
    for _label, job in page.session_state["visit"].runs["teach"].jobs:
        assert job.wait(120)
    return settled(page.run())


def jobs(page):
    return [job for _label, job in page.session_state["visit"].runs["teach"].jobs]


@pytest.fixture
def page(open_page):
    """The page with the digits chosen, four of each to learn from."""
    page = open_page("teach")
    page.selectbox(key="dataset").set_value("digits").run()
    page.select_slider(key="photos_per_class").set_value(4).run()
    return settled(page)


def test_the_data_is_looked_at_before_training(page):
    text = words(page)
    assert "**10 classes**" in text
    assert "kept aside to be tested on" in text
    assert "a challenge for borrowed knowledge" in text


def test_a_head_is_trained_and_told_with_its_interval(page):
    page.button_group(key="mode").set_value(["head", "pixels"]).run()
    page.button(key="start").click().run()
    page = finished(page)
    figures = page.dataframe[1].value
    assert list(figures["Way"]) == ["Frozen backbone, new head", "Linear classifier on raw pixels"]
    assert all("–" in interval for interval in figures["95 % interval"])
    assert all(share.endswith(" %") for share in figures["Top-3"])
    assert "right on 539 photographs it has never learned from" in words(page)
