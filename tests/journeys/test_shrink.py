"""What is found is told by a short trail."""

from tests.journeys.shrink import as_python, shrunk
from tests.journeys.visitor import Action

TRAIL = [Action(place % 2, f"key_{place}", place) for place in range(40)]


def test_a_trail_shrinks_to_the_actions_that_matter():
    needed = {TRAIL[3], TRAIL[17], TRAIL[39]}
    found = shrunk(TRAIL, lambda trail: needed <= set(trail), budget_s=60)
    assert found == [TRAIL[3], TRAIL[17], TRAIL[39]]


def test_a_trail_that_ends_in_one_tab_loses_the_other():
    asked = []

    def is_found(trail):
        asked.append(trail)
        return True

    assert len(shrunk(TRAIL, is_found, budget_s=60)) == 1
    assert {action.tab for action in asked[0]} == {1}


def test_without_time_the_trail_stays_as_it_is():
    assert shrunk(TRAIL, lambda trail: trail == TRAIL, budget_s=0) == TRAIL


def test_a_trail_is_printed_as_it_is_written_in_a_test():
    names = {}
    exec("if True:\n" + as_python(TRAIL[:2]), names)
    assert [Action(*action) for action in names["trail"]] == TRAIL[:2]
