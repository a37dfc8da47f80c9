"""The path: guess, try, see what happened; quiz, exercises and the report."""

import re
import tomllib
from dataclasses import replace

import pytest

from pages.languages import ASSETS, codes
from pages.path import quiz
from pages.shared.chapters import CHAPTERS
from pages.shared.sitemap import PAGES
from pages.visit.state import Learned, Try
from tests.app.conftest import settled, words

DIGITS = Learned(
    dataset="digits",
    label="Handwritten digits",
    mode="head",
    backbone="EfficientNet-Lite0",
    classes=10,
    train=1000,
    tested=500,
    accuracy=0.9,
    top3=0.99,
    is_unlike_imagenet=True,
    curve=(0.5, 0.8, 0.9),
)


def press(app, key: str):
    return settled(app.button(key=key).click().run())


def strip(app) -> str:
    return "\n".join(str(found.value) for found in app.markdown)


def test_every_working_page_has_a_chapter():
    assert [chapter.page for chapter in CHAPTERS] == list(PAGES)


def test_a_guess_about_networks_is_answered_by_what_was_covered(open_page):
    page = settled(open_page("backbones"))
    assert CHAPTERS[0].question in strip(page)
    page = press(page, "guess_backbones_small")
    assert re.search(
        r"\d+ % for the big EfficientNet-Lite2, .* sure they are of \*Cat\*", strip(page)
    )
    assert "You guessed" in strip(page)
    assert any(link.proto.label == "Next: Feature maps" for link in page.get("page_link"))


def test_a_guess_is_for_the_next_photograph_where_the_answer_was_seen(open_page):
    page = press(settled(open_page("backbones")), "close_chapter")
    page.switch_page("pages/path/page.py").run()
    page.toggle(key="questions").set_value(True).run()
    page = settled(page.switch_page("pages/backbones/page.py").run())
    page = press(page, "guess_backbones_small")
    assert "Your guess: *the small one*. Now choose another photograph." in strip(page)


def test_a_guess_before_anything_was_shown_is_answered_by_the_first_run(open_page):
    page = settled(open_page("attack"))
    page = press(page, "guess_attack_8")
    assert "Now press Start" in strip(page)
    page = press(page, "start")
    assert "A change of 1 of 255 levels turned *dalmatian* into *Siamese cat*" in strip(page)
    assert "You guessed *3 to 16*." in strip(page)


@pytest.mark.slow
def test_a_guess_about_ideal_images_is_answered_by_a_picture_alone(open_page):
    page = press(settled(open_page("ideal")), "guess_ideal_no")
    page.select_slider(key="steps").set_value(10).run()
    page.button_group(key="way").set_value("optimisers").run()
    page = press(page, "start")
    assert "Now press Start." in strip(page)
    page.button_group(key="way").set_value("one").run()
    page = settled(press(page, "start"))  # other networks look at the picture once it is there
    assert re.search(r"which drew it, is \d+ % sure\. And you\?", strip(page))


def test_the_last_layer_answers_what_is_left_of_the_photograph(open_page):
    page = press(settled(open_page("feature_maps")), "guess_feature_maps_place")
    assert "Now slide to the last layer." in strip(page)
    page.select_slider(key="layer").set_value("bn2").run()
    page = settled(page)
    assert "In a map of bn2, 224 × 224 pixels have shrunk to 7 × 7 values" in strip(page)
    assert "You guessed right." in strip(page)


def test_whoever_only_plays_closes_the_questions_with_one_click_and_finds_them_again(open_page):
    page = settled(open_page("why"))
    page = press(page, "close_chapter")
    assert "**What in the photograph**" in strip(page)
    assert not [button for button in page.button if button.key.startswith("guess_")]
    page.switch_page("pages/path/page.py").run()
    page.toggle(key="questions").set_value(True).run()
    page.switch_page("pages/attribution/page.py").run()
    assert CHAPTERS[2].question in strip(settled(page))


def test_a_link_closes_the_questions_for_a_whole_class(open_page):
    page = open_page("home")
    page.switch_page("pages/attribution/page.py")
    page.query_params["questions"] = "0"
    page.run()
    assert not [button for button in page.button if button.key.startswith("guess_")]
    page.switch_page("pages/path/page.py").run()
    assert not page.toggle(key="questions").value


def test_guesses_and_what_happened_are_kept_with_the_visit(open_page):
    page = press(settled(open_page("feature_maps")), "guess_feature_maps_all")
    page.select_slider(key="layer").set_value("bn2").run()
    settled(page)
    page.switch_page("pages/path/page.py").run()
    assert "In a map of bn2" in words(page)
    assert "You guessed *every detail*." in words(page)


def test_a_wrong_answer_explains_itself_and_names_the_right_one(open_page):
    page = open_page("path")
    page.button(key="reply_before_training_0").click().run()
    assert "EfficientNet-Lite0 has 18 MB" in words(page)
    assert "Right: *It changes its weights step by step*" in words(page)


def test_at_the_end_of_the_quiz_stands_a_sentence_and_no_points(open_page):
    page = open_page("path")
    for question in quiz.quiz(quiz.AFTER).questions:
        page.button(key=f"reply_after_{question.key}_1").click().run()
    assert quiz.quiz(quiz.AFTER).end in words(page)
    said = re.sub("Chapters done: 0 of 6|0 of 6 done", "", words(page))
    assert not re.search(r"\d+ (of|/) 6", said)


@pytest.mark.parametrize("code", codes())
@pytest.mark.parametrize("when", [quiz.BEFORE, quiz.AFTER])
def test_each_quiz_has_six_questions_with_one_right_answer_in_every_language(code, when):
    tables = [
        tomllib.loads((ASSETS / "lesson" / name / "quiz.toml").read_text(encoding="utf-8"))[when]
        for name in ("en", code)
    ]
    ours, theirs = (
        [
            (one["key"], [reply.get("right", False) for reply in one["replies"]])
            for one in table["questions"]
        ]
        for table in tables
    )
    assert ours == theirs
    assert len(ours) == 6
    assert all(sum(rights) == 1 for _key, rights in ours)


def test_a_photograph_that_a_link_brought_along_is_none_that_was_tried(open_page):
    page = open_page("path", sample="sample:rocket")
    tries = page.session_state["visit"].tries
    tries.append(Try("sample:rocket", "dogs", 0.9, False, True))
    assert "Of the last" not in words(page.run())
    tries.append(Try("sample:coffee", "dogs", 0.8, False, True))
    assert "Of the last 1 photographs you tried, 1 were" in words(page.run())


def test_the_challenge_is_done_once_both_ways_were_taught_on_the_same_pictures(open_page):
    page = open_page("path")
    learned = page.session_state["visit"].learned
    learned["a"] = DIGITS
    learned["b"] = replace(DIGITS, mode="scratch", accuracy=0.95, train=500)
    assert "The advantage is gone" not in words(page.run())
    learned["c"] = replace(DIGITS, mode="scratch", accuracy=0.95)
    assert (
        "Handwritten digits: 90.0 % pretrained on ImageNet, 95.0 % from scratch. The advantage is "
        "gone: -5.0 percentage points."
    ) in words(page.run())


def test_the_breeds_report_their_first_and_first_three_guesses(open_page):
    page = open_page("path")
    assert "Download them on *Teach it* (755 MB)" in words(page)
    page.session_state["visit"].learned["a"] = replace(
        DIGITS, dataset="oxford_iiit_pet", classes=37, accuracy=0.872, top3=0.981
    )
    assert "top-1 **87.2 %**, top-3 **98.1 %**" in words(page.run())


def test_the_shortcut_is_done_once_it_is_repaired_and_is_no_challenge(open_page):
    page = open_page("path")
    learned = page.session_state["visit"].learned
    learned["a"] = replace(DIGITS, dataset="coloured_digits", label="Telling", elsewhere=0.16)
    learned["b"] = replace(learned["a"], mode="scratch")
    text = words(page.run())
    assert "Telling: **90.0 %** in validation, **16.0 %** on other backgrounds." in text
    assert "pretrained on ImageNet" not in text
    assert "Repair it" in [link.proto.label for link in page.get("page_link")]
    learned["c"] = replace(DIGITS, dataset="coloured_digits_grey", label="Grey", accuracy=0.88)
    assert "Grey: **88.0 %** in validation." in words(page.run())
    assert "Repair it" not in [link.proto.label for link in page.get("page_link")]


def test_a_finished_training_is_kept_for_the_exercises(open_page):
    page = open_page("teach")
    page.selectbox(key="dataset").set_value("digits").run()
    page.select_slider(key="photos_per_class").set_value(8).run()
    page = press(settled(page), "guess_teach_75")
    page = press(page, "start")
    (kept,) = page.session_state["visit"].learned.values()
    assert (kept.dataset, kept.mode, kept.classes, kept.train) == ("digits", "head", 10, 80)
    assert kept.is_unlike_imagenet
    assert len(kept.curve) == 30
    assert f"{100 * kept.accuracy:.0f} % right on 539 validation photographs" in strip(page)
