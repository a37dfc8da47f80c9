"""Large messages that a browser holds are sent as references, and no reference misses."""

import random

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages.server.compat.references import LARGE_BYTES, Held
from tests.browser_cache import MAX_AGE, BrowserCache

FRAGMENTS = ("", "", "timer", "chart")
DONE, GAVE_WAY = ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN


class Connection:
    """A server that refers to what it knows to be held, and the browser at its other end."""

    def __init__(self) -> None:
        self.held, self.browser, self.references = Held(MAX_AGE), BrowserCache(), 0

    def send(self, message: ForwardMsg) -> ForwardMsg:
        sent = self.held.shorten(message)
        self.references += bool(sent.ref_hash)
        return self.browser.take(ForwardMsg.FromString(sent.SerializeToString()))

    def draw(self, words: str, fragment: str = "") -> str:
        """Draw words; return those that the browser shows."""
        return str(self.send(drawing(words, fragment)).delta.new_element.markdown.body)

    def end_run(
        self, *fragments: str, status: ForwardMsg.ScriptFinishedStatus.ValueType = DONE
    ) -> None:
        message = ForwardMsg(script_finished=status)
        message.metadata.run.fragment_ids.extend(fragments)
        self.send(message)


def drawing(words: str, fragment: str = "") -> ForwardMsg:
    message = ForwardMsg(hash=fragment + words.strip())
    message.delta.new_element.markdown.body = words
    message.delta.fragment_id = fragment
    message.metadata.delta_path.extend((0, 1))
    return message


def large(words: str) -> str:
    return words.ljust(LARGE_BYTES)


def test_what_is_drawn_again_unchanged_is_a_reference_and_shows_the_same():
    connection = Connection()
    assert connection.draw(large("a")) == connection.draw(large("a")) == large("a")
    assert connection.references == 1
    message = connection.held.shorten(drawing(large("a")))
    assert list(message.metadata.delta_path) == [0, 1]
    assert message.ByteSize() < LARGE_BYTES / 10


def test_small_messages_and_those_that_draw_nothing_travel_as_they_are():
    connection = Connection()
    for _ in range(2):
        connection.draw("small")
        connection.send(ForwardMsg(hash="b", page_profile={"headless": True}))
    assert not connection.references


@pytest.mark.parametrize(
    ("fragment", "ends", "is_held"),
    [
        ("", [()] * MAX_AGE, True),
        ("", [()] * (MAX_AGE + 1), False),
        ("", [("timer",)] * 9, True),
        ("", [("timer",)] * 9 + [()], False),
        ("timer", [("chart",)] * 9, True),
        ("timer", [("chart", "timer")] * (MAX_AGE + 1), False),
    ],
)
def test_what_the_browser_dropped_at_the_end_of_a_run_is_sent_whole_again(fragment, ends, is_held):
    connection = Connection()
    connection.draw(large("a"), fragment)
    for fragments in ends:
        connection.end_run(*fragments)
    assert connection.draw(large("a"), fragment) == large("a")
    assert connection.references == is_held


def test_a_run_that_gave_way_to_a_newer_one_drops_nothing():
    connection = Connection()
    connection.draw(large("a"))
    for _ in range(9):
        connection.end_run(status=GAVE_WAY)
    connection.draw(large("a"))
    assert connection.references == 1


def test_whatever_is_drawn_and_ends_in_any_order_no_reference_misses():
    chance, connection = random.Random(1), Connection()
    for _ in range(5000):
        if chance.random() < 0.3:
            fragments = {name for name in chance.sample(FRAGMENTS, chance.randint(0, 2)) if name}
            connection.end_run(*fragments, status=chance.choice((DONE, DONE, GAVE_WAY)))
        else:
            words, fragment = large(chance.choice("abcdef")), chance.choice(FRAGMENTS)
            assert connection.draw(words, fragment) == words
    assert 500 < connection.references < 3000
