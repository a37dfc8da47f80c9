import threading

import pytest

from tl_core.engine.presence import Presence


class Watched:
    """Presence of 90 s, kept for 600 s, on a clock of their own; ``news`` is what they told."""

    def __init__(self, on_away=lambda _visitor: None, on_gone=lambda _visitor: None, keep_s=600):
        self.now = 0.0
        self.news: list[tuple[str, str]] = []
        self._act = {"away": on_away, "back": lambda _visitor: None, "gone": on_gone}
        self.visits = Presence(
            timeout_s=90,
            keep_s=keep_s,
            on_away=lambda visitor: self._tell("away", visitor),
            on_back=lambda visitor: self._tell("back", visitor),
            on_gone=lambda visitor: self._tell("gone", visitor),
            clock=lambda: self.now,
        )

    def look_at(self, now: float) -> list[tuple[str, str]]:
        """Let it be ``now`` and look; return what was told since the last look."""
        self.now, self.news = now, []
        self.visits.reap()
        return self.news

    def _tell(self, what: str, visitor: str) -> None:
        self.news.append((what, visitor))
        self._act[what](visitor)


@pytest.fixture
def watched():
    found = Watched()
    found.visits.touch("ann")
    found.visits.touch("bob")
    return found


def test_a_visitor_who_stops_polling_is_away_and_one_who_polls_stays(watched):
    watched.now = 80
    watched.visits.touch("bob")
    assert watched.look_at(100) == [("away", "ann")]
    assert watched.visits.count() == 1
    assert watched.visits.away() == ["ann"]


def test_who_has_closed_the_tab_is_not_counted_and_may_be_back(watched):
    watched.visits.note_absent({"ann", "cid"})
    assert watched.visits.count() == 1
    watched.visits.note_absent(set())
    assert watched.visits.count() == 2
    assert watched.look_at(80) == []


def test_who_is_away_is_said_once_and_gone_ten_minutes_after_the_last_poll(watched):
    assert watched.look_at(91) == [("away", "ann"), ("away", "bob")]
    assert watched.look_at(600) == []
    assert watched.look_at(601) == [("gone", "ann"), ("gone", "bob")]
    assert watched.look_at(9000) == []


def test_who_comes_back_in_time_is_here_and_may_be_away_again(watched):
    watched.look_at(91)
    watched.now = 600
    watched.news.clear()
    assert watched.visits.resume("ann")
    watched.visits.touch("ann")
    assert watched.news == [("back", "ann")]
    assert watched.visits.count() == 1
    assert watched.visits.away() == ["bob"]
    assert watched.look_at(610) == [("gone", "bob")]
    assert watched.look_at(700) == [("away", "ann")]


@pytest.mark.parametrize("has_looked", [True, False])
def test_nobody_comes_back_to_a_visit_that_is_over(watched, has_looked):
    watched.now = 601
    if has_looked:
        watched.visits.reap()
    assert not watched.visits.resume("ann")
    assert not watched.visits.resume("stranger")
    assert watched.visits.count() == 0


def test_a_visit_that_was_ended_is_gone_with_the_next_look_and_cannot_be_resumed(watched):
    watched.visits.end("ann")
    assert watched.visits.count() == 1
    assert not watched.visits.resume("ann")
    assert watched.look_at(1) == [("gone", "ann")]


def test_only_who_is_away_can_be_made_to_give_way_the_longest_first(watched):
    watched.now = 50
    watched.visits.touch("ann")
    watched.look_at(150)
    assert watched.visits.away() == ["bob", "ann"]
    watched.visits.touch("ann")
    assert watched.news.pop() == ("back", "ann")
    watched.news.clear()
    for visitor in ("ann", "bob", "bob", "stranger"):
        watched.visits.end_if_away(visitor)
    assert watched.news == [("gone", "bob")]
    assert not watched.visits.resume("bob")


def test_who_comes_back_while_their_work_is_being_stopped_does_not_count_as_away():
    watched = Watched(on_away=lambda visitor: watched.visits.touch(visitor))
    watched.visits.touch("ann")
    assert watched.look_at(100) == [("away", "ann"), ("back", "ann")]
    assert watched.visits.away() == []
    assert watched.visits.count() == 1


def test_a_visit_is_kept_for_its_timeout_at_least():
    watched = Watched(keep_s=0)
    watched.visits.touch("ann")
    assert watched.look_at(90) == []
    assert watched.look_at(91) == [("gone", "ann")]


@pytest.mark.parametrize(("what", "now"), [("away", 100), ("gone", 700)])
def test_a_visitor_who_cannot_be_cleared_away_keeps_no_other_from_it(what, now, caplog):
    def broken(visitor: str) -> None:
        if visitor == "ann":
            raise OSError("a disk that is full")

    watched = Watched(on_away=broken, on_gone=broken)
    for visitor in ("ann", "bob"):
        watched.visits.touch(visitor)
    watched.look_at(now)
    assert [visitor for told, visitor in watched.news if told == what] == ["ann", "bob"]
    assert "a disk that is full" in caplog.text


def test_the_thread_says_goodbye_by_itself():
    left = threading.Event()
    visits = Presence(
        timeout_s=0.01,
        keep_s=0.02,
        on_away=lambda _visitor: None,
        on_back=lambda _visitor: None,
        on_gone=lambda _visitor: left.set(),
    )
    visits.start()
    visits.touch("ann")
    assert left.wait(10)
    visits.close()
