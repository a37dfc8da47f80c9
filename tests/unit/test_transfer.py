"""What transfer is worth: page and documents say what the runs of the benchmark came to."""

import pytest

from pages.shared.measured_examples import measured
from tests.bench.transfer import RATES, RUNS, Run, chosen_rate, read, summarised, table
from tests.unit.test_documents import MEASURED

FOUND = read(RUNS)


def test_the_page_shows_what_the_runs_came_to():
    assert measured("transfer.json") == summarised(FOUND)


def test_the_document_shows_what_the_runs_came_to():
    assert set(table(summarised(FOUND)).splitlines()) <= set(MEASURED)


@pytest.mark.parametrize("way", RATES)
def test_each_way_had_as_many_updates_as_the_others(way):
    epochs = {(run.data, run.photos): figures["epochs"] for run, figures in FOUND.items()}
    for run, figures in FOUND.items():
        if run.way == way:
            assert figures["epochs"] == epochs[run.data, run.photos]


def test_of_two_rates_the_one_that_chooses_better_is_taken_and_of_equals_the_surer():
    cell = ("digits", "head", 1)
    low, high = sorted(RATES["head"])

    def found(low_right, high_right, low_loss=1.0):
        return {
            Run(*cell, low, 0): {"choosing": low_right, "loss": low_loss},
            Run(*cell, high, 0): {"choosing": high_right, "loss": 1.0},
        }

    assert chosen_rate(found(0.4, 0.5), cell) == high
    assert chosen_rate(found(0.5, 0.5, low_loss=0.5), cell) == low
