import json
import re
from dataclasses import replace

import pytest

from pages.shared.measured_examples import measured
from tests.app.conftest import settled, words
from tests.app.training import finished, jobs, taught, two_boxes, with_digits
from tests.model_files import unpacked
from tl_core.images import samples
from tl_core.lab import Job
from tl_core.specs.datasets import PreviewData
from tl_core.specs.every import spec_from_json
from tl_core.specs.training import FineTune, FineTuneSnapshot, mode_row


def figures(page):
    """The table with a line for each way."""
    (table,) = [frame.value for frame in page.dataframe if "Trained parameters" in frame.value]
    return table


@pytest.fixture
def page(open_page):
    """The page with the digits chosen, four of each to learn from."""
    return with_digits(open_page("teach"))


@pytest.fixture
def own(open_page):
    return open_page("teach")


def test_the_data_is_looked_at_before_training(page):
    text = words(page)
    assert "**10 classes**" in text
    assert "kept for validation" in text
    assert "a challenge for transfer learning" in text
    assert "A small validation set" not in text


def test_several_ways_run_side_by_side_and_are_told_with_interval_and_top_3(page):
    page = taught(page, "head", "pixels")
    table = figures(page)
    assert list(table["Method"]) == [
        "Feature extraction: frozen backbone, new head",
        "Linear classifier on raw pixels",
    ]
    assert all("–" in interval for interval in table["95 % confidence interval"])
    assert all(share.endswith("\u00a0%") for share in table["Top-3"])
    assert "on 539 validation photographs, which it never learned from" in words(page)
    charts = [chart.key for chart in page.get("plotly_chart")]
    assert charts[:3] == ["curve_accuracy", "own_answer", "confusion"]


def test_what_transfer_is_worth_is_a_picture_of_each_data_set(open_page):
    found, page = measured("transfer.json"), open_page("transfer")
    charts = {chart.key: chart.proto for chart in page.get("plotly_chart")}
    assert {f"transfer_{data}" for data in found} <= set(charts)
    lines = json.loads(charts["transfer_digits"].spec)["data"]
    assert {line["name"] for line in lines} == {mode_row(way).short for way in found["digits"]}
    assert lines[0]["y"][-1] == 100 * found["digits"]["head"][-1]["median"]


def test_before_there_is_a_model_the_pretrained_network_is_tried_and_named(page):
    text = words(page)
    assert "Not taught yet: the original EfficientNet-Lite0" in text
    assert "It says: " in text
    assert not [widget for widget in page.selectbox if widget.key == "own_model"]


def test_one_press_takes_a_ready_set_and_start_is_ready(own):
    assert "start" not in {button.key for button in own.button}
    page = settled(own.button(key="ready_set").click().run())
    assert page.selectbox(key="dataset").value == "digits"
    assert "**10 classes**: 1,258 photographs to learn from" in words(page)
    assert not page.button(key="start").disabled


def test_start_waits_for_a_way_to_teach(page):
    page.button_group(key="mode").set_value([]).run()
    assert page.button(key="start").disabled


def test_the_curve_is_there_before_a_run_and_the_loss_is_one_press_away(page):
    def alts(page):
        return [chart.proto.alt for chart in page.get("plotly_chart")]

    assert (
        "Accuracy by epoch, for training and validation. An example until training starts."
        in alts(page)
    )
    page.button_group(key="curve").set_value("loss").run()
    assert "Loss by epoch, for training and validation. Empty until training starts." in alts(page)


def test_a_new_model_is_tried_at_once_and_used_on_every_page_on_a_press(page):
    first = jobs(taught(page, "head"))[0].snapshot.result.model
    page.number_input(key="seed").set_value(1).run()
    second = jobs(taught(page, "head"))[0].snapshot.result.model
    assert first != second
    assert page.selectbox(key="own_model").value == second
    newer, older = page.selectbox(key="own_model").options
    assert newer.startswith("0, 1, 2 …, new head, ")
    assert newer != older
    page.selectbox(key="own_model").set_value(first).run()
    page.button(key="use_everywhere").click().run()
    page.switch_page("pages/backbones/page.py").run()
    assert page.selectbox(key="backbone").value == first


def test_mistakes_come_most_confident_first_and_a_cell_opens_its_photographs(page):
    page = taught(page, "head")
    result = jobs(page)[0].snapshot.result
    shown = [c.value for c in page.caption if c.value.endswith(" %") and "**" in c.value]
    confidences = [int(text.rsplit(",", 1)[1].removesuffix(" %")) for text in shown]
    assert confidences == sorted(confidences, reverse=True)
    page.selectbox(key="cell").set_value("3,3").run()
    right = sum(p.label == p.predicted == 3 for p in result.predictions)
    shown = [c.value for c in page.caption if c.value.startswith("3: predicted **3**")]
    assert len(shown) == min(right, 12)


def test_a_photograph_opens_the_why_page_with_this_model(page):
    page = taught(page, "head")
    model = jobs(page)[0].snapshot.result.model
    button = next(button for button in page.button if (button.key or "").startswith("why_"))
    page = button.click().run()
    assert page.title[0].value == "Why?"
    settled(page.switch_page("pages/attribution/page.py").run())
    assert page.selectbox(key="backbone").value == model
    asked = page.session_state["visit"].jobs["why"]
    assert (asked.spec.backbone, asked.spec.photo) == (model, page.session_state["sample"])
    assert asked.wait(60)
    assert asked.error is None


def test_where_the_head_alone_is_kept_the_page_says_so(own, labelled):
    page = two_boxes(own, labelled)
    page.select_slider(key="trick_epochs").set_value(1).run()
    page.select_slider(key="trick_learning_rate").set_value(1.0).run()
    page = taught(page, "last-block")
    result = jobs(page)[0].snapshot.result
    assert result.is_head_alone
    reached = f"{100 * result.unfrozen_accuracy:.1f} %"
    assert f"Fine-tuning did no better: its best was {reached}." in words(page)
    said = f"done: head kept, fine-tuned {reached}".replace(" %", "\u00a0%")
    assert list(figures(page)["Now"]) == [said]


def test_the_settings_of_training_are_kept_while_their_owner_is_elsewhere(page):
    page.select_slider(key="trick_dropout").set_value(0.2).run()
    page.selectbox(key="trick_schedule").set_value("step").run()
    page.button_group(key="mode").set_value(["head", "pixels"]).run()
    page.number_input(key="seed").set_value(7).run()
    page.switch_page("pages/home/page.py").run()
    page = settled(page.switch_page("pages/training/page.py").run())
    assert page.number_input(key="seed").value == 7
    assert page.select_slider(key="trick_dropout").value == 0.2
    assert page.selectbox(key="trick_schedule").value == "step"
    assert page.button_group(key="mode").value == ["head", "pixels"]
    assert page.session_state["visit"].jobs["look"].spec.seed == 7


def test_controls_that_do_nothing_in_the_chosen_ways_are_grey(page):
    for modes, is_grey in ((["head", "pixels"], True), (["scratch"], True), (["full"], False)):
        page.button_group(key="mode").set_value(modes).run()
        for field in ("head_first", "train_batch_norm"):
            assert page.selectbox(key=f"trick_{field}").disabled is is_grey


@pytest.mark.slow
def test_a_look_at_data_that_is_no_longer_shown_is_dropped(page, app_lab, monkeypatch):
    visitor = page.session_state["visit"].id
    looks = [Job(PreviewData(dataset="digits", seed=seed), visitor) for seed in (1, 2, 3)]
    looks[1].owners |= {"another"}
    answers, ask = iter(looks), app_lab.jobs.ask

    def asked(spec, *args, **kwargs):
        return next(answers) if isinstance(spec, PreviewData) else ask(spec, *args, **kwargs)

    monkeypatch.setattr(app_lab.jobs, "ask", asked)
    for seed in (1, 2, 3):
        page.number_input(key="seed").set_value(seed).run()
    assert [look.cancel_requested for look in looks] == [True, False, False]
    assert looks[1].owners == {"another"}


def test_a_control_moves_the_run_under_way_and_the_run_is_found_again(page):
    page.select_slider(key="trick_epochs").set_value(100).run()
    page.select_slider(key="photos_per_class").set_value(0).run()
    page.button_group(key="mode").set_value(["full"]).run()
    page.button(key="start").click().run()
    (job,) = jobs(page)
    page.select_slider(key="trick_learning_rate").set_value(0.001).run()
    assert job.current.learning_rate == 0.001
    page.switch_page("pages/home/page.py").run()
    page.switch_page("pages/training/page.py").run()
    assert jobs(page) == [job]
    page.button(key="pause").click().run()
    assert job.pause_requested
    page.button(key="stop").click().run()
    assert job.wait(30)
    assert page.select_slider(key="trick_epochs").value == 100


def test_the_label_budget_is_measured_on_a_press(own, labelled):
    page = two_boxes(own, labelled)
    page = settled(page.button(key="start_budget").click().run())
    assert "Checked on 2 validation photographs" in words(page)
    assert "With **1** of each class to learn from" in words(page)


def test_a_model_tested_on_a_hundred_says_how_far_its_confidence_can_be_trusted(page):
    page = taught(page, "head")
    assert "confidence is" not in words(page)  # until it is asked for
    page.session_state["reliability"] = True
    page = settled(page.run())
    assert re.search(r"its confidence is \d+\.\d % off", words(page))
    page.toggle(key="is_scaled").set_value(True).run()
    assert "With all logits divided by " in words(page)


def test_a_download_that_no_server_answers_says_so(own):
    page = own.selectbox(key="dataset").set_value("eurosat").run()
    page.button(key="download").click().run()
    (job,) = page.session_state["visit"].jobs.values()
    assert job.wait(60)
    page.run()
    assert page.error
    assert page.button(key="download")


def test_a_data_set_that_visitors_may_not_download_is_not_offered(open_page, app_lab, monkeypatch):
    monkeypatch.setattr(app_lab.jobs, "_visitor_downloads", frozenset())
    page = open_page("teach")
    assert "small_download" not in [button.key for button in page.button]
    page = page.selectbox(key="dataset").set_value("eurosat").run()
    assert "python -m tl_core prepare eurosat" in words(page)
    assert "download" not in [button.key for button in page.button]
    options = page.selectbox(key="dataset").options
    assert "Satellite pictures (EuroSAT) · 27,000 pictures · not on this machine" in options
    page.switch_page("pages/path/page.py").run()
    assert "python -m tl_core prepare oxford_iiit_pet" in words(page)


def test_a_model_is_saved_and_loaded_back(page, app_lab):
    page = taught(page, "head")
    (job,) = jobs(page)
    assert isinstance(job.spec, FineTune)
    assert isinstance(job.snapshot, FineTuneSnapshot)
    data = app_lab.models.save(job.snapshot.result.model)
    page.file_uploader(key="model_file").upload("model.safetensors", data).run()
    assert "Loaded." in page.success[0].value
    assert page.selectbox(key="own_model").value != job.snapshot.result.model
    cat = samples.read("sample:cat")
    page.file_uploader(key="model_file").upload("cat.safetensors", cat).run()
    assert "isn't one of the lab's model files" in words(page)


def test_a_file_that_cannot_come_back_says_so_beside_its_download(page, app_lab, monkeypatch):
    page = taught(page, "head")
    assert "takes model files" not in words(page)
    settings = replace(app_lab.settings, upload_visit_mb=1)
    monkeypatch.setattr(app_lab, "models", replace(app_lab.models, _settings=settings))
    page.run()
    assert "takes model files of at most 1 MB" in words(page)
    assert page.file_uploader(key="model_file").proto.max_upload_size_mb == 1
    assert page.get("download_button")


def test_the_settings_inside_a_models_file_are_those_of_its_run(page, app_lab):
    page = taught(page, "head")
    (job,) = jobs(page)
    model = job.snapshot.result.model
    text = unpacked(app_lab.models.save(model))[1]["settings"]
    assert spec_from_json(text) == job.spec
    assert app_lab.models.settings_of(model) == text


def test_a_shortcut_shows_on_other_backgrounds_and_can_be_repaired(open_page):
    page = open_page("teach")
    page.button(key="guess_teach_95").click().run()
    page.selectbox(key="dataset").set_value("coloured_digits").run()
    page = taught(settled(page), "pixels")
    text = words(page)
    assert "Your guess: *90 or more*." in text  # such validation says nothing of new photographs
    assert "other backgrounds (distribution shift)" in text
    assert "**A [shortcut](#shortcut)**" in text
    assert "turns" in text
    whys = [button.key for button in page.button if (button.key or "").startswith("why_test_1/")]
    assert len(whys) == 2  # two photographs on the background of another digit
    page = finished(page.button(key="repair_coloured_digits_at_random").click().run())
    assert "**No sign of a shortcut**" in words(page)


def test_who_taught_photographs_of_their_own_is_asked_for_the_background(own, labelled):
    page = two_boxes(own, labelled)
    page = taught(page, "head")
    assert "have the same background?" in words(page)
    page.button(key="shortcut_live").click().run()
    assert page.toggle(key="live").value


def test_a_way_of_many_minutes_says_so_before_start(open_page, monkeypatch):
    page = open_page("teach", dataset="digits", mode="full,scratch")
    assert re.search(r"takes about \d+ to \d+ minutes here", words(page))
    page = open_page("teach", dataset="digits", mode="head")
    assert "minutes here" not in words(page)
