import threading
import time
from unittest.mock import Mock

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.training import run as training_run
from pages.visit.intake import Intake
from pages.visit.state import MOST_KEPT, Visit
from tests.app.conftest import fill_box, photo_message, settled, tell_component, words
from tests.app.training import finished, jobs, taught, two_boxes
from tests.zips import zipped


@pytest.fixture
def own(open_page):
    return open_page("teach")


def test_own_photographs_in_two_boxes_are_learned_and_the_model_answers(own, labelled):
    page = two_boxes(own, labelled)
    assert "**2 classes**: 6 photographs to learn from, 2 kept" in words(page)
    small = "only 2 photographs. Each one moves accuracy by 50 percentage points."
    assert small in words(page)
    page = taught(page, "head")
    (job,) = jobs(page)
    assert job.spec.photos[1][0] == "others"
    assert page.selectbox(key="own_model").value == job.snapshot.result.model
    assert {"None of these", "Your model says: "} & {
        block.value.partition("cats")[0].partition("others")[0] for block in page.subheader
    }
    assert words(page).count(small) == 2  # beside the data, and beside the result
    assert [button.label for button in page.get("download_button")][-1] == "The settings (JSON)"


def test_boxes_keep_their_photographs_while_their_owner_is_elsewhere(own, labelled):
    page = two_boxes(own, labelled)
    page.switch_page("pages/home/page.py").run()
    page = settled(page.switch_page("pages/training/page.py").run())
    assert [len(box.photos) for box in page.session_state["visit"].boxes] == [4, 4]
    assert page.text_input(key="class_1").value == "others"


def test_a_file_that_is_no_photograph_is_named_and_left_out_and_the_others_come(own, labelled):
    page = fill_box(own, 0, [b"hello", labelled[0][1], b"no cat"])
    assert "Left out: photo-0.jpg, photo-2.jpg. " in words(page)
    assert "1 of 4" in words(page)


def test_a_photograph_that_is_sent_again_counts_once(own, labelled):
    photo = {"name": "a.jpg", **photo_message(labelled[0][1], number=5)}
    other = {"name": "b.jpg", **photo_message(labelled[1][1], number=6)}
    tell_component(own, "photos_0", "sent", {"photos": [photo]})
    tell_component(own, "photos_0", "removed", own.session_state["visit"].boxes[0].photos[0])
    assert "1 of 4" not in words(own)
    tell_component(own, "photos_0", "sent", {"photos": [photo, other]})
    assert "1 of 4" in words(own)


def a_photo(number, data="!", name="a", **more):
    return {"number": number, "name": name, "data": data, **more}


@pytest.mark.parametrize(
    "message",
    [
        *(7, {}, {"photos": 1}, {"photos": [1]}),
        {"photos": [a_photo(1)]},
        {"photos": [a_photo(True, "eA==")]},
        {"photos": [a_photo(10**30, "eA==")]},
        {"photos": [a_photo(1, "eA==", burst=True)]},
        {"photos": [a_photo(number, "eA==") for number in range(1, 66)]},
    ],
)
def test_a_message_that_holds_no_photographs_says_so_and_breaks_nothing(own, message):
    page = tell_component(own, "photos_0", "sent", message)
    assert not page.exception
    assert "Only part of the photograph arrived" in words(page)


def test_of_a_files_name_as_much_is_kept_as_one_reads(own):
    page = tell_component(own, "photos_0", "sent", {"photos": [a_photo(1, name="x" * 10**6)]})
    assert "x" * 100 in words(page)
    assert "x" * 101 not in words(page)


def test_boxes_take_as_many_photographs_as_a_data_set_may_have(own, labelled, monkeypatch):
    for place in ("training.box", "visit.state"):
        monkeypatch.setattr(f"pages.{place}.MAX_PHOTOS", 2)
    page = fill_box(own, 0, [data for _label, data in labelled[:3]])
    assert "together they can hold 2 photographs" in words(page)
    assert len(page.session_state["visit"].boxes[0].photos) == 2


def test_of_what_a_visit_keeps_by_key_the_newest_stay():
    visit = Visit()
    for number in range(2 * MOST_KEPT):
        visit.labels[str(number)] = visit.choices[str(number)] = "x"
    visit.trim()
    assert len(visit.labels) == len(visit.choices) == MOST_KEPT
    assert list(visit.labels)[-1] == str(2 * MOST_KEPT - 1)


def remarks_in_plenty() -> None:
    import streamlit as st

    from pages.training.box import listed, refuse

    for number in range(1_000):
        refuse(str(number))
    st.caption(f"{len(st.session_state.boxes_refused)} {len(listed(['x' * 10**6] * 1_000))}")


def test_remarks_about_files_are_counted_until_they_are_said():
    said = AppTest.from_function(remarks_in_plenty).run().caption[0].value
    assert said.split() == ["20", str(20 * 102)]


def test_an_own_class_is_tested_on_photographs_of_a_ready_set_and_learns_from_all_of_its_own(
    own, labelled
):
    page = two_boxes(own, labelled)
    page.selectbox(key="ready_from").set_value("faces").run()
    page.button_group(key="ready_for").set_value("test").run()
    for box in (0, 1):
        page.selectbox(key="ready_box").set_value(box).run()
        page = settled(page.button(key="add_ready").click().run())
    assert words(page).count("For validation: 8") == 2
    assert "8 photographs to learn from, 16 kept" in words(page)
    result = jobs(taught(page, "head"))[0].snapshot.result
    assert len(result.predictions) == 16
    page.button(key="no_tests_0").click().run()
    assert words(settled(page)).count("For validation: 8") == 1


def test_a_class_is_added_and_removed(own):
    own.button(key="add_class").click().run()
    assert own.text_input(key="class_2").value == "class 3"
    own.button(key="remove_0").click().run()
    assert [box.name for box in own.session_state["visit"].boxes] == ["dogs", "class 3"]


def test_photographs_of_a_ready_set_are_put_into_one_box_beside_what_is_in_it(own, labelled):
    page = two_boxes(own, labelled)
    page.selectbox(key="ready_from").set_value("faces").run()
    page.selectbox(key="ready_class").set_value("not a face").run()
    page.selectbox(key="ready_box").set_value(1).run()
    page.select_slider(key="ready_count").set_value(4).run()
    page.button(key="add_ready").click().run()
    page.select_slider(key="ready_count").set_value(8).run()
    page = settled(page.button(key="add_ready").click().run())
    assert [len(box.photos) for box in page.session_state["visit"].boxes] == [4, 16]
    result = jobs(taught(page, "head"))[0].snapshot.result
    assert len(result.predictions) == 6


def taken_in(page):
    """The page once its zip or folder was read."""
    intake = page.session_state["visit"].intake
    deadline = time.monotonic() + 60
    if intake is None:
        return page  # it was read before the page was drawn
    while not intake.is_over:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return page.run()


def test_a_zip_fills_the_boxes_and_a_hostile_one_gets_a_sentence(own, labelled):
    files = [
        (f"set/{'abc'[place % 3]}/{place}.jpg", data)
        for place, (_label, data) in enumerate(labelled[:6])
    ]
    packed = zipped([*files, ("set/loose.jpg", labelled[6][1])])
    own.file_uploader(key="upload_zip").upload("set.zip", packed).run()
    taken_in(own)
    assert [box.name for box in own.session_state["visit"].boxes] == ["a", "b", "c"]
    assert "they aren't inside a class folder: set/loose.jpg" in words(own)
    own.file_uploader(key="upload_zip").upload("set.zip", b"PK\x03\x04 no zip").run()
    assert "damaged" in words(taken_in(own))


def test_a_zip_is_given_up_when_the_tab_is_closed(own, app_lab, labelled, monkeypatch):
    packed = zipped((f"{n % 2}/{n}.jpg", data) for n, (_label, data) in enumerate(labelled[:4]))
    monkeypatch.setattr("pages.visit.intake._MISSED_S", 0.0)
    own.file_uploader(key="upload_zip").upload("set.zip", packed).run()
    assert "Your visit ended" in words(taken_in(own))
    assert [box.photos for box in own.session_state["visit"].boxes] == [[], []]


def test_a_folder_is_read_while_the_page_goes_on_and_can_be_stopped(own, labelled, monkeypatch):
    visit, may_go_on = own.session_state["visit"], threading.Event()
    wanted = Intake.is_wanted

    def slowly(intake: Intake) -> bool:
        assert may_go_on.wait(60)
        return wanted(intake)

    monkeypatch.setattr(Intake, "is_wanted", slowly)
    files = [
        (f"{place % 2}/{place}.jpg", data, "image/jpeg")
        for place, (_label, data) in enumerate(labelled[:4])
    ]
    own.file_uploader(key="upload_folder").set_value(files).run()
    assert "Reading your photographs: 0 of 4" in own.get("progress")[0].proto.text
    page = own.button(key="add_class").click().run()
    assert not page.exception
    assert len(visit.boxes) == 3
    intake = visit.intake
    page.button(key="stop_intake").click().run()
    may_go_on.set()
    taken_in(page)
    assert intake.is_over
    assert intake.result is None
    assert len(visit.boxes) == 3
    assert not page.error


def send_shots(page, box, files, *, burst, first, held):
    """Photographs of a recording, as the camera of a box sends them."""
    shots = [
        {"name": "", **photo_message(data, number=first + place), "burst": burst}
        for place, data in enumerate(files)
    ]
    message = {"number": first + len(files), "photos": shots, "held": held}
    return tell_component(page, f"photos_{box}", "sent", message)


def recorded(page, labelled, *, held=False):
    """A recording of four photographs in each of two boxes."""
    files = [data for _label, data in labelled]
    for box in (0, 1):
        send_shots(page, box, files[4 * box :][:4], burst=box, first=1, held=held)
    return settled(page)


def by_itself(page):
    """The page once what began by itself is over."""
    return finished(page)


def test_a_recording_is_learned_when_the_hand_has_left_the_button(own, labelled):
    page = recorded(own, labelled, held=True)
    assert "teach" not in page.session_state["visit"].runs
    send_shots(page, 0, [labelled[8][1]], burst=0, first=10, held=False)
    assert "teach" not in page.session_state["visit"].runs  # the other hand is still there
    send_shots(page, 1, [labelled[9][1]], burst=1, first=10, held=False)
    page = by_itself(settled(page))
    (job,) = jobs(page)
    assert [len(photos) for _name, photos in job.spec.photos] == [5, 5]
    assert [len(burst) for burst in job.spec.bursts] == [5, 5]


def test_what_a_second_recording_shows_again_is_told_and_what_is_new_tests_the_first(own, labelled):
    page = by_itself(recorded(own, labelled))
    for number in (0, 1):
        again, new = labelled[4 * number][1], labelled[8 + number][1]
        send_shots(page, number, [again, new], burst=7 + number, first=20, held=False)
    page = by_itself(settled(page))
    assert jobs(page)[0].snapshot.result.is_measured
    send_shots(page, 0, [labelled[8][1]], burst=9, first=40, held=False)
    assert "already has: 1. Move the object, turn it" in words(page)


def test_one_recording_of_each_class_is_not_measured_and_the_page_says_what_would_be(own, labelled):
    page = by_itself(recorded(own, labelled))
    assert "0 kept for validation" in words(page)
    assert "Not measured yet. All photographs of a class come from one recording" in words(page)
    assert page.button(key="begin_live")
    send_shots(page, 0, [labelled[8][1]], burst=7, first=20, held=False)
    send_shots(page, 1, [labelled[9][1]], burst=8, first=20, held=False)
    page = by_itself(settled(page))
    result = jobs(page)[0].snapshot.result
    boxes = page.session_state["visit"].boxes
    assert {found.photo for found in result.predictions} == {box.photos[-1] for box in boxes}
    assert "Not measured yet" not in words(page)


def test_what_a_newer_run_of_the_page_broke_off_before_it_began_is_begun_by_that_run(
    own, labelled, monkeypatch
):
    begin, broken_off = training_run._begin_to_try, []

    def breaks_off_once(data):
        if not broken_off:
            broken_off.append(data)
            st.rerun()
        begin(data)

    monkeypatch.setattr(training_run, "_begin_to_try", breaks_off_once)
    page = by_itself(two_boxes(own, labelled, by_itself=True))
    assert broken_off
    assert len(jobs(page)) == 1


def test_a_new_head_is_taught_by_itself_whenever_photographs_come_or_go(own, labelled, app_lab):
    page, visit = two_boxes(own, labelled, by_itself=True), own.session_state["visit"]
    page = by_itself(page)
    (first,) = jobs(page)
    page.button(key="use_everywhere").click().run()
    page.run()
    assert jobs(page) == [first]
    page = by_itself(settled(fill_box(page, 0, [labelled[9][1]])))
    (second,) = jobs(page)
    assert second is not first
    model = second.snapshot.result.model
    page.run()
    assert page.selectbox(key="own_model").options == [app_lab.models.of(visit.id)[model]]
    assert page.selectbox(key="backbone").value == model  # which was in use everywhere
    page.toggle(key="by_itself").set_value(False).run()
    tell_component(page, "photos_0", "removed", visit.boxes[0].photos[0])
    assert jobs(settled(page)) == [second]


def test_nothing_begins_by_itself_where_other_methods_are_chosen(own, labelled):
    own.button_group(key="mode").set_value(["head", "pixels"]).run()
    page = two_boxes(own, labelled, by_itself=True)
    assert "teach" not in page.session_state["visit"].runs


def test_what_was_thrown_away_is_brought_back_step_by_step(own, labelled):
    page, visit = two_boxes(own, labelled), own.session_state["visit"]
    boxes, before = list(visit.boxes), [list(box.photos) for box in visit.boxes]
    tell_component(page, "photos_0", "removed", before[0][2])
    tell_component(page, "photos_0", "emptied", True)
    page.button(key="add_class").click().run()
    page.button(key="remove_1").click().run()
    assert [box.name for box in visit.boxes] == ["cats", "class 3"]
    assert visit.boxes[0].photos == []
    for _step in range(3):
        page.button(key="undo_boxes").click().run()
    assert visit.boxes[:2] == boxes
    assert [box.photos for box in visit.boxes] == [*before, []]
    assert "undo_boxes" not in [button.key for button in page.button]


def test_a_class_gets_another_name_without_learning_again(own, labelled, app_lab):
    page, visit = by_itself(two_boxes(own, labelled, by_itself=True)), own.session_state["visit"]
    (job,) = jobs(page)
    model = job.snapshot.result.model
    assert app_lab.models.of(visit.id)[model].startswith("cats and others, new head, ")
    page = settled(page.text_input(key="class_0").set_value("mugs").run())
    assert jobs(page) == [job]
    assert app_lab.backbones.classes(model) == ("mugs", "others")
    assert app_lab.models.of(visit.id)[model].startswith("mugs and others, new head, ")
    said = [block.value for block in [*page.subheader, *page.caption]]
    assert any("mugs" in text or "others" in text for text in said)
    assert not any(word in text for word in ("says: cats", "classes: cats") for text in said)
    page.text_input(key="class_0").set_value("others").run()
    assert not page.exception
    assert app_lab.backbones.classes(model) == ("mugs", "others")


def test_an_empty_box_beside_two_that_are_filled_is_no_class(own, labelled):
    page = two_boxes(own, labelled)
    page = settled(page.button(key="add_class").click().run())
    assert "**2 classes**: 6 photographs to learn from" in words(page)


def test_a_class_that_was_thrown_away_takes_no_more_photographs(own, labelled):
    page = two_boxes(own, labelled)
    page.button(key="add_class").click().run()
    thrown = page.session_state["visit"].boxes[2]
    page.session_state["visit"].boxes.remove(thrown)
    fill_box(page, 2, [data for _label, data in labelled[:2]])  # its component is still on the page
    assert thrown.photos == []


def test_what_comes_back_fits_into_what_is_there(own, labelled, monkeypatch):
    page, visit = two_boxes(own, labelled), own.session_state["visit"]
    tell_component(page, "photos_0", "emptied", True)
    monkeypatch.setattr("pages.visit.state.MAX_PHOTOS", 6)  # four are there
    page.button(key="undo_boxes").click().run()
    assert [len(box.photos) for box in visit.boxes] == [2, 4]


def test_a_class_comes_back_with_no_more_for_validation_than_there_is_room(
    own, labelled, monkeypatch
):
    page, visit = two_boxes(own, labelled), own.session_state["visit"]
    page.button(key="add_class").click().run()
    visit.boxes[2].tests, first = visit.boxes[0].photos * 2, len(visit.boxes[0].photos)
    page.button(key="remove_2").click().run()
    monkeypatch.setattr("pages.visit.state.MAX_PHOTOS", 2 * first + 1)
    page.button(key="undo_boxes").click().run()
    assert len(visit.boxes[2].tests) == 1


@pytest.fixture
def taken(monkeypatch):
    """Nobody else may read a zip or folder meanwhile."""
    turns = threading.Semaphore(0)
    monkeypatch.setattr("pages.visit.intake._reading", turns)
    monkeypatch.setattr("pages.visit.intake._LOOK_S", 0.01)
    return turns


def test_a_drop_that_was_stopped_before_its_turn_waits_no_more(taken):
    ended = threading.Event()
    intake = Intake(lambda: False)
    intake.begin(lambda: pytest.fail("it was read"), ended.set)
    assert not ended.wait(0.05)
    intake.stop()
    assert ended.wait(5)


def test_a_drop_for_which_no_thread_is_left_lets_go_of_its_files(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("no thread")))
    end = Mock()
    with pytest.raises(RuntimeError):
        Intake(lambda: False).begin(Mock(), end)
    end.assert_called_once_with()
