"""Ways from page to page that ended in an error page once."""

import pytest

from pages.visit.state import Run
from tests.app.conftest import PATHS, settled
from tests.hostile import photo, saved
from tl_core.lab import Job
from tl_core.specs.attack import Attack, AttackSnapshot
from tl_core.specs.classify import Answer
from tl_core.specs.training import MODES

SLOW_MODES = [pytest.param(row.key, marks=pytest.mark.slow) for row in MODES if row.key != "pixels"]


@pytest.fixture
def go(open_page):
    """One visitor who walks from page to page."""
    app = open_page("home")

    def gone(page: str):
        app.switch_page(PATHS[page]).run()
        assert not app.exception
        return app

    return gone


def stop(page):
    for run in page.session_state["visit"].runs.values():
        for _label, job in run.jobs:
            job.cancel()
            assert job.wait(60)


def test_steps_of_an_ideal_image_say_nothing_about_those_of_integrated_gradients(go):
    go("ideal").select_slider(key="steps").set_value(1024).run()
    page = go("why")
    assert page.slider(key="ig_steps").value == 32
    page.slider(key="ig_steps").set_value(128).run()
    assert go("ideal").select_slider(key="steps").value == 1024
    assert go("why").slider(key="ig_steps").max == 128


def test_steps_of_an_ideal_image_are_on_the_scale_of_an_attacks_too(go):
    of_ideal = go("ideal").select_slider(key="steps")
    of_ideal.set_value(1024).run()
    of_attack = go("attack").select_slider(key="steps")
    assert of_attack.value == 1024
    assert of_attack.options == of_ideal.options


def test_the_steps_that_an_attack_begins_with_do_not_shorten_an_ideal_image(go):
    go("attack")
    assert go("ideal").select_slider(key="steps").value == 256


def test_the_class_to_explain_is_not_the_class_to_draw(go):
    go("ideal").selectbox(key="target_class").set_value("340").run()
    page = go("why")
    page.selectbox(key="explained").set_value("1").run()
    assert not page.exception
    assert go("ideal").selectbox(key="target_class").value == "340"


@pytest.mark.parametrize("order", [("start", "start_smallest"), ("start_smallest", "start")])
def test_an_attack_and_its_smallest_budget_run_beside_each_other(go, order):
    page = go("attack")
    page.select_slider(key="epsilon").set_value(0).run()
    page.select_slider(key="steps").set_value(1024).run()
    for key in order:
        page.button(key=key).click().run()
        assert not page.exception
    runs = page.session_state["visit"].runs
    ((_one, attack),), ((_other, smallest),) = runs["attack"].jobs, runs["smallest"].jobs
    page.button(key="pause_smallest").click().run()
    page.button(key="pause").click().run()
    assert smallest.pause_requested
    assert attack.pause_requested
    page.button(key="stop_smallest").click().run()
    assert smallest.cancel_requested
    assert not attack.cancel_requested
    page.button(key="stop").click().run()
    assert attack.cancel_requested
    assert not page.exception
    stop(page)


def test_a_backbone_and_a_data_set_that_are_not_here_are_offered_on_one_page(go):
    page = go("teach")
    page.selectbox(key="backbone").set_value("mobilenet_v2").run()
    page.selectbox(key="dataset").set_value("eurosat").run()
    assert not page.exception
    assert page.button(key="download")
    assert page.button(key="download_backbone")


def test_a_finished_attack_stays_while_another_backbone_is_offered(go):
    page = go("attack")
    visit = page.session_state["visit"]
    picture, seen = (
        saved(photo(224, 224), "PNG"),
        (Answer(index=0, label="tench", probability=1.0),),
    )
    job = Job(
        Attack(photo="sample:dalmatian", target=int(page.session_state["target_class"])), visit.id
    )
    job.finish(AttackSnapshot(picture=picture, original=picture, before=seen, after=seen))
    visit.runs["attack"] = Run([("", job)])
    page.selectbox(key="backbone").set_value("mobilenet_v2").run()
    assert not page.exception
    assert page.download_button(key="download")
    assert page.button(key="download_backbone")


@pytest.mark.parametrize("mode", ["pixels", *SLOW_MODES])
def test_every_page_settles_with_an_own_model_however_it_was_taught(go, teach_own, mode):
    page = go("backbones")
    model = teach_own(page, mode=mode, epochs=1)
    page.run().selectbox(key="backbone").set_value(model).run()
    for name in PATHS:
        page = settled(go(name))
        assert not [*page.exception, *page.error]
        assert {box.value for box in page.selectbox if box.key == "backbone"} <= {model}
    go("ideal").button_group(key="goal").set_value("channel").run()
    assert not page.exception
