import pytest

from pages.shared import runs
from tests.app.conftest import pictures, settled, words
from tl_core.specs.attack import SmallestBudget


def finished(page, name="attack"):
    """Wait for the page's run, and for what is asked about its picture."""
    for _label, job in page.session_state["visit"].runs[name].jobs:
        assert job.wait(120)
    return settled(page.run())


@pytest.fixture
def page(open_page):
    page = open_page("attack")
    page.button_group(key="sample").set_value("sample:dalmatian").run()
    return page


def test_a_visitor_who_has_chosen_nothing_makes_a_dog_a_siamese_cat_within_one_level(open_page):
    page = open_page("attack")
    assert page.button_group(key="sample").value == "sample:dalmatian"
    page.button(key="start").click().run()
    page = finished(page)
    assert "seen as **Siamese cat**" in page.success[0].value
    assert "<strong>dalmatian</strong> <span>46.1" in pictures(page)
    assert "<strong>Siamese cat</strong> <span>9" in pictures(page)
    page.toggle(key="code").set_value(True).run()
    figures = {metric.label: metric.value for metric in settled(page).metric[-5:]}
    assert figures["L∞, levels of 1/255"] == "1"
    assert all(metric.proto.help for metric in page.metric)  # what each measures, in plain words
    assert "python -m tl_core attack" in page.code[-1].value


def test_the_finished_attack_says_whom_it_fools_and_what_survives_until_another_is_chosen(page):
    page.button(key="start").click().run()
    page = finished(page)
    others, wear = (frame.value for frame in page.dataframe)
    assert list(others["Network"]) == [
        "EfficientNet-Lite0",
        "EfficientNet-Lite1",
        "EfficientNet-Lite2",
    ]
    assert others["Fooled"][0]
    assert len(wear) >= 5
    assert "pixels the network says" in words(page)
    page.selectbox(key="target_class").set_value("340").run()
    assert "Press Start, and watch" in words(page)
    assert not page.success


@pytest.mark.slow
def test_what_did_not_survive_is_attacked_through_the_wear(page, monkeypatch, caplog):
    monkeypatch.setattr("streamlit.elements.lib.policies._shown_default_value_warning", False)
    page.button(key="start").click().run()
    page = finished(page)
    page.button(key="attack_robustly").click().run()
    assert "default value" not in caplog.text  # Streamlit's words for a value that is set twice
    page = finished(page)
    _others, wear = (frame.value for frame in page.dataframe)
    assert wear["Still fooled"].all()
    assert page.button_group(key="method").value == "robust"
    assert page.select_slider(key="epsilon").value == 4


@pytest.mark.slow
def test_the_networks_that_saw_through_it_are_attacked_too(page):
    page.select_slider(key="steps").set_value(10).run()
    page.button(key="start").click().run()
    page = finished(page)
    page.button(key="attack_all").click().run()
    page = finished(page)
    others, _wear = (frame.value for frame in page.dataframe)
    assert others["Attacked"].all()
    assert page.toggle(key="ensemble").value
    assert "attack_all" not in {button.key for button in page.button}


def test_anything_but_a_dog_leaves_no_dog_on_top(page):
    page.button_group(key="aim").set_value("untargeted").run()
    page.selectbox(key="avoid").set_value("dog").run()
    page.button(key="start").click().run()
    page = finished(page)
    ((_label, job),) = page.session_state["visit"].runs["attack"].jobs
    assert job.snapshot.is_fooled
    assert job.snapshot.after[0].index not in range(151, 269)


def test_epsilon_acts_during_the_run(page):
    page.select_slider(key="epsilon").set_value(0).run()
    page.select_slider(key="steps").set_value(400).run()
    page.button(key="start").click().run()
    ((_label, job),) = page.session_state["visit"].runs["attack"].jobs
    page.select_slider(key="epsilon").set_value(4).run()
    assert job.current.epsilon == 4
    job.cancel()
    assert job.wait(60)


def test_a_run_that_ends_while_its_page_is_drawn_leaves_no_stop_behind(page, monkeypatch):
    page.select_slider(key="epsilon").set_value(0).run()
    page.select_slider(key="steps").set_value(1024).run()
    page.button(key="start").click().run()
    ((_label, job),) = page.session_state["visit"].runs["attack"].jobs
    live = runs.live

    def live_after_the_end(name, draw):
        job.cancel()
        assert job.wait(60)
        live(name, draw)

    monkeypatch.setattr(runs, "live", live_after_the_end)
    page.run()
    assert {"start", "stop"} & {button.key for button in page.button} == {"start"}


def test_an_attack_that_ends_without_success_says_so(page):
    page.select_slider(key="epsilon").set_value(0).run()
    page.select_slider(key="steps").set_value(10).run()
    page.button(key="start").click().run()
    page = finished(page)
    assert "Not fooled: ended at step 10 of 10" in page.info[0].value


@pytest.mark.slow
def test_an_own_model_is_fooled_into_the_other_of_its_own_classes(page, teach_own):
    page.button_group(key="aim").set_value("untargeted").run()
    page.selectbox(key="avoid").set_value("dog").run()  # a choice that own classes do not have
    model = teach_own(page)
    page.run()
    page.selectbox(key="backbone").set_value(model).run()
    assert not page.exception
    assert page.selectbox(key="avoid").options == ["what it says now"]
    assert page.toggle(key="ensemble").disabled
    page.button_group(key="aim").set_value("targeted").run()
    assert page.selectbox(key="target_class").options == ["dogs", "others"]
    page.selectbox(key="target_class").set_value("1").run()
    page.button(key="start").click().run()
    page = finished(page)
    assert "seen as **others**" in page.success[0].value
    assert "<strong>dogs</strong>" in pictures(page)
    assert "No other network here knows these classes." in words(page)
    assert not page.code  # a command line knows nothing of a visit's model


def test_all_networks_at_once_are_those_that_know_the_same_classes(page, teach_own):
    teach_own(page)
    page.run()
    page.toggle(key="ensemble").set_value(True).run()
    page.button(key="start").click().run()
    ((_label, job),) = page.session_state["visit"].runs["attack"].jobs
    job.cancel()
    assert job.spec.also == ("efficientnet_lite1", "efficientnet_lite2")


@pytest.mark.slow
def test_the_smallest_budget_is_one_level_and_few_values(page, monkeypatch):
    monkeypatch.setitem(SmallestBudget.__init__.__kwdefaults__, "value_steps", 6)
    page.button(key="start_smallest").click().run()
    page = finished(page, "smallest")
    assert "1 level of 255 is enough" in words(page)
    assert "values have to move" in words(page)
