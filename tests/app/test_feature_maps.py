import re
import shutil

import pytest

from tests.app.conftest import settled, words


@pytest.fixture
def page(open_page):
    return settled(open_page("feature_maps"))


def test_the_first_layer_of_the_cat_is_shown_with_its_figures(page):
    text = words(page)
    assert "Edges and colours" in text
    assert "32 channels of 112 × 112" in text
    assert page.selectbox(key="channel").options


def number(channel: str) -> int:
    return int(channel.removeprefix("channel "))


def test_the_slider_goes_to_the_last_layer(page):
    page.select_slider(key="layer").set_value("bn2").run()
    settled(page)
    assert "Whole objects" in words(page)
    assert "1280 channels of 7 × 7" in words(page)


def test_a_channel_is_shown_at_large_with_what_else_makes_it_fire(page):
    channel = page.selectbox(key="channel").options[3]
    page.selectbox(key="channel").set_value(number(channel)).run()
    settled(page)
    assert not page.exception
    assert "What else activates it?" in words(page)


def test_what_else_makes_it_fire_is_ordered_by_the_share_that_fires(page):
    page.selectbox(key="channel").set_value(6).run()
    settled(page)
    shown = [caption.value for caption in page.caption if caption.value.endswith(" %")]
    shares = [int(words.removesuffix(" %")) for words in shown]
    assert len(shares) == 4
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) > 1


@pytest.mark.parametrize("comparison", ["layer", "backbone", "photo"])
def test_two_columns_are_drawn_on_one_scale(page, comparison):
    page.button_group(key="compare").set_value(comparison).run()
    settled(page)
    assert not page.exception
    assert "the same colour means the same activation" in words(page)


def test_a_link_opens_the_comparison_and_the_layer_that_it_names(open_page):
    page = open_page("home")
    page.query_params["compare"] = "layer"
    page.query_params["layer_2"] = "blocks.2.1"
    page.query_params["version"] = "1"
    page.run()
    page.switch_page("pages/feature_maps/page.py").run()
    settled(page)
    assert page.button_group(key="compare").value == "layer"
    assert page.select_slider(key="layer_2").value == "blocks.2.1"
    assert "the same colour means the same activation" in words(page)


def test_each_backbone_remembers_the_layer_that_was_looked_at(page):
    page.select_slider(key="layer").set_value("blocks.2.1").run()
    page.selectbox(key="backbone").set_value("efficientnet_lite1").run()
    assert page.select_slider(key="layer").value == "bn1"
    page.selectbox(key="backbone").set_value("efficientnet_lite0").run()
    assert page.select_slider(key="layer").value == "blocks.2.1"


def test_a_channel_that_the_next_layer_does_not_show_gives_way_to_its_most_active(page):
    page.select_slider(key="layer").set_value("bn2").run()
    settled(page)
    chosen = page.selectbox(key="channel")
    assert f"channel {chosen.value}" == chosen.options[0]


def test_trained_finds_more_of_a_kind_alike_than_untrained(page):
    ticks = [caption.value for caption in page.caption if ":material/check:" in caption.value]
    assert ":green[:material/check:] Dog (dalmatian)" in ticks
    shares = [
        re.search(r"(\d+) % have a nearest neighbour of the same kind", m.value)
        for m in page.markdown
    ]
    trained, untrained = (int(found[1]) for found in shares if found)
    assert trained > 2 * untrained


def test_the_map_of_photographs_stands_beside_that_of_an_untrained_network(page):
    text = words(page)
    assert "Trained on ImageNet" in text
    assert "Untrained" in text


def test_the_map_also_shows_a_data_set_by_its_classes(page, monkeypatch):
    monkeypatch.setattr("pages.feature_maps.feature_space._ON_MAP", 20)
    page.selectbox(key="map_of").set_value("digits").run()
    settled(page)
    assert not page.exception
    assert not page.error
    assert "Trained on ImageNet" in words(page)


def test_a_data_set_of_two_photographs_is_too_few_for_a_map_in_a_sentence(page, app_lab, labelled):
    place = app_lab.settings.data_dir / "two_photographs"
    for name, (_label, data) in zip(("train/cats", "val/dogs"), labelled, strict=False):
        (place / name).mkdir(parents=True)
        (place / name / "one.jpg").write_bytes(data)
    page.run()
    page.selectbox(key="map_of").set_value("two_photographs").run()
    settled(page)
    shutil.rmtree(place)
    assert not page.exception
    assert "photos must be between 3 and 1000" in page.error[0].value


def test_a_channel_leads_to_its_own_ideal_image(page):
    channel = number(page.selectbox(key="channel").options[2])
    page.selectbox(key="channel").set_value(channel).run()
    page.button(key="draw_channel").click().run()
    assert page.title[0].value == "Ideal image"
    assert page.selectbox(key="goal_layer").value == "bn1"
    assert page.selectbox(key="goal_channel").value == str(channel)
