import io
import json
import re

import pytest
from PIL import Image

from pages.ideal import gallery
from pages.shared import runs
from pages.visit.state import Finished, Visit
from tests.app.conftest import pictures, settled, words
from tl_core.lab import JobState
from tl_core.specs.every import spec_from_json
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import FineTune


def finished(page):
    """Wait for the page's runs and draw the page once more."""
    for _label, job in page.session_state["visit"].runs["ideal"].jobs:
        assert job.wait(120)
    return settled(page.run())


@pytest.fixture
def page(open_page):
    page = open_page("ideal")
    page.select_slider(key="steps").set_value(10).run()
    return page


def test_an_estimate_is_given_before_the_start(page):
    assert "About " in words(page)


def test_a_run_ends_in_a_picture_that_others_judge(page):
    page.button(key="start").click().run()
    page = finished(page)
    text = words(page)
    assert "step 10 of 10" in text
    assert "<strong>Siamese cat</strong>" in pictures(page)
    assert "The view is the picture as the network sees it" in text
    curve, others = [chart.proto.spec for chart in page.get("plotly_chart")]
    assert '"name":"probability of the view"' in curve.replace('": "', '":"')
    assert '"name":"total variation"' in others.replace('": "', '":"')
    assert "Networks that weren't used to draw it" in text
    assert "They're all from one family, EfficientNet-Lite" in text
    assert "EfficientNet-Lite1" in text
    assert "EfficientNet-Lite0:" not in text


def test_the_gallery_keeps_a_picture_with_its_film_and_its_settings(page):
    page.button(key="start").click().run()
    page = finished(page)
    (picture,) = page.session_state["visit"].gallery
    assert gallery.animation(picture.frames)[8:12] == b"WEBP"
    assert json.loads(picture.settings)["kind"] == "IdealImage"
    assert isinstance(spec_from_json(picture.settings), IdealImage)


def test_the_favourite_classes_come_first_in_the_list(page):
    assert page.selectbox(key="target_class").options[2].startswith("zebra")
    page.selectbox(key="target_class").set_value("340").run()
    page.button(key="start").click().run()
    ((label, job),) = page.session_state["visit"].runs["ideal"].jobs
    job.cancel()
    assert label == "zebra"
    assert job.spec.target == 340


def test_an_own_model_draws_one_of_its_own_classes(page, teach_own):
    page.selectbox(key="target_class").set_value("340").run()
    model = teach_own(page)
    page.run()
    page.selectbox(key="backbone").set_value(model).run()
    assert page.selectbox(key="target_class").options == ["dogs", "others"]
    page.selectbox(key="target_class").set_value("1").run()
    page.button(key="start").click().run()
    ((label, job),) = page.session_state["visit"].runs["ideal"].jobs
    job.cancel()
    assert (label, job.spec.target, job.spec.backbone) == ("others", 1, model)


def test_the_slider_moves_the_weight_of_the_run_under_way_and_the_settings_remember(page):
    page.select_slider(key="steps").set_value(1024).run()
    page.button(key="start").click().run()
    ((_label, job),) = page.session_state["visit"].runs["ideal"].jobs
    page.select_slider(key="tv_weight").set_value(800).run()
    assert job.current.tv_weight == 800
    page.button(key="stop").click().run()
    assert job.wait(30)


def test_the_sliders_stand_where_the_recipe_has_them_until_they_are_moved(page):
    assert page.select_slider(key="learning_rate").value == 0
    page.radio(key="recipe").set_value("pixels").run()
    assert page.select_slider(key="tv_weight").value == 0
    page.select_slider(key="tv_weight").set_value(20).run()
    page.select_slider(key="steps").set_value(256).run()
    page.switch_page("pages/attribution/page.py").run()
    page.switch_page("pages/ideal/page.py").run()
    assert page.radio(key="recipe").value == "pixels"
    assert page.select_slider(key="steps").value == 256
    assert page.select_slider(key="tv_weight").value == 20


def test_a_run_is_paused_and_goes_on(page):
    page.select_slider(key="steps").set_value(1024).run()
    page.button(key="start").click().run()
    page.button(key="pause").click().run()
    ((_label, job),) = page.session_state["visit"].runs["ideal"].jobs
    assert job.pause_requested
    page.button(key="pause").click().run()
    assert not job.pause_requested
    job.cancel()
    assert job.wait(30)


def test_a_run_that_ends_while_its_page_is_drawn_leaves_no_stop_behind(page, monkeypatch):
    page.select_slider(key="steps").set_value(1024).run()
    page.button(key="start").click().run()
    draw_buttons = runs._pause_and_stop

    def end_meanwhile(run, suffix):
        draw_buttons(run, suffix)
        runs.stop(run)
        assert run.jobs[0][1].wait(30)

    monkeypatch.setattr(runs, "_pause_and_stop", end_meanwhile)
    page.selectbox(key="target_class").select_index(953).run()  # the run is not about it
    assert not page.exception
    assert [button.key for button in page.button if button.key in ("start", "stop")] == ["start"]


def test_a_run_that_finds_no_room_says_that_it_waits_but_not_at_once(page, app_lab):
    spec = FineTune(dataset="digits", epochs=30)  # no two of them share a place
    others = range(app_lab.settings.max_running)
    jobs = [app_lab.jobs.submit(spec, f"visitor {number}") for number in others]
    while any(job.state is JobState.QUEUED for job in jobs):
        assert not jobs[0].wait(0.05)
    page.button(key="start").click().run()
    assert said(page) == ""
    ((_label, mine),) = page.session_state["visit"].runs["ideal"].jobs
    mine.submitted_at -= 1
    assert "You're next" in said(page.run())
    assert not any(digit in said(page) for digit in "0123456789")
    for job in [*jobs, mine]:
        job.cancel()
        assert job.wait(30)


def said(page):
    """What stands above the bar that shows how far a run is."""
    (bar,) = page.get("progress")
    return bar.proto.text


def test_the_ladder_runs_all_recipes_from_one_seed(page):
    page.button_group(key="way").set_value("ladder").run()
    page.button(key="start").click().run()
    jobs = [job for _label, job in page.session_state["visit"].runs["ideal"].jobs]
    for job in jobs:
        job.cancel()
    assert [job.spec.recipe for job in jobs] == ["pixels", "smooth", "camera", "fourier", "ideal"]
    assert {(job.spec.seed, job.spec.steps, job.spec.target) for job in jobs} == {(0, 10, 284)}


def test_several_classes_become_a_contact_sheet(page):
    page.button_group(key="goal").set_value("several").run()
    page.multiselect(key="classes_of_1000").set_value([340, 953]).run()
    page.button(key="start").click().run()
    page = finished(page)
    labels = [label for label, _job in page.session_state["visit"].runs["ideal"].jobs]
    assert labels == ["zebra", "pineapple"]
    assert len(page.session_state["visit"].gallery) == 2
    sheet = gallery.contact_sheet([kept.png for kept in page.session_state["visit"].gallery])
    assert Image.open(io.BytesIO(sheet)).size == (224 + 4 + 224, 224)
    assert [b.label for b in page.get("download_button")].count("Contact sheet (PNG)") == 1


def test_a_single_one_of_several_classes_is_one_picture_and_none_cannot_start(page):
    page.button_group(key="way").set_value("ladder").run()
    page.button_group(key="goal").set_value("several").run()
    page.multiselect(key="classes_of_1000").set_value([340]).run()
    assert not page.exception
    assert not page.select_slider(key="tv_weight").disabled
    page.multiselect(key="classes_of_1000").set_value([]).run()
    assert page.button(key="start").disabled


def test_a_run_can_go_on_from_its_own_picture(page):
    page.button(key="start").click().run()
    page = finished(page)
    page.button(key="from_main").click().run()
    assert not page.exception
    assert page.toggle(key="from_photo").value
    page.toggle(key="from_photo").set_value(False).run()
    assert "sample" not in {group.key for group in page.button_group}
    page.toggle(key="from_photo").set_value(True).run()
    assert page.button_group(key="sample").value == page.session_state["visit"].photos[0]


def test_a_layer_offers_the_channels_it_has_and_shows_how_strongly_one_answers(page):
    page.select_slider(key="steps").set_value(30).run()
    page.segmented_control(key="goal").set_value("channel").run()
    page.selectbox(key="goal_layer").set_value("blocks.2.1").run()
    channels = page.selectbox(key="goal_channel")
    assert channels.options == [str(number) for number in range(40)]
    channels.set_value("20").run()
    page.button(key="start").click().run()
    page = finished(page)
    text = words(page)
    assert "step 30 of 30" in text
    assert float(re.search(r"activation (\d+\.\d+)", text)[1]) > 5
    assert "Networks that weren't used to draw it" not in text


def test_the_oldest_pictures_leave_the_gallery_where_a_visitor_has_no_room(app_lab, monkeypatch):
    visit = Visit()
    monkeypatch.setattr(gallery, "the_visit", lambda: visit)
    monkeypatch.setattr(gallery, "the_lab", lambda: app_lab)
    monkeypatch.setattr(app_lab.memory, "share_bytes", 2500)
    for number in range(3):
        png = bytes([number]) * 1000
        gallery.add(Finished(str(number), png, "{}", frames=(), is_from_own_photo=False))
    assert [kept.label for kept in visit.gallery] == ["2", "1"]
    assert app_lab.memory.of(visit.id) == 2000


def test_another_class_shows_its_example_and_the_noise_again(page):
    page.button(key="start").click().run()
    page = finished(page)
    page.selectbox(key="target_class").set_value("340").run()
    text = words(page)
    assert "An example: zebra" in pictures(page)
    assert "Yours starts from this noise" in text
    assert "step 10 of 10" not in text
    assert len(page.session_state["visit"].gallery) == 1
