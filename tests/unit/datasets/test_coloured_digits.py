import numpy as np
import pytest

from tl_core.datasets.coloured_digits import AGAINST, AT_RANDOM, COLOURS
from tl_core.datasets.dataset import Dataset, Example, split
from tl_core.datasets.store import DatasetStore
from tl_core.images.decode import decode
from tl_core.settings import Settings

KINDS = ("coloured_digits", "coloured_digits_at_random", "coloured_digits_grey")


@pytest.fixture(scope="module")
def kinds() -> dict[str, Dataset]:
    found = {key: DatasetStore(Settings.from_env()).packaged(key) for key in KINDS}
    return {key: dataset for key, dataset in found.items() if dataset is not None}


def background(dataset: Dataset, example: Example) -> np.ndarray:
    picture = decode(dataset.read(example), max_pixels=10**6)
    return np.asarray(picture.convert("RGB"))[0, 0].astype(float)


def share_on_own_colour(dataset: Dataset, examples: tuple[Example, ...]) -> float:
    def number(example: Example) -> int:
        far = [np.abs(background(dataset, example) - colour).sum() for colour in COLOURS]
        return int(np.argmin(far))

    return float(np.mean([number(example) == example.label for example in examples]))


def test_in_training_and_validation_the_background_tells_nineteen_times_of_twenty(kinds):
    dataset = kinds["coloured_digits"]
    parts = split(dataset, share=0.3, seed=0)
    for examples in (parts.train[::5], parts.validation):
        assert share_on_own_colour(dataset, examples) == pytest.approx(0.95, abs=0.04)
    assert share_on_own_colour(dataset, dataset.tests[AGAINST]) == 0
    assert share_on_own_colour(dataset, dataset.tests[AT_RANDOM]) == pytest.approx(0.1, abs=0.05)


def test_repaired_by_chance_the_background_tells_nothing(kinds):
    dataset = kinds["coloured_digits_at_random"]
    assert share_on_own_colour(dataset, dataset.examples[::5]) == pytest.approx(0.1, abs=0.05)


def test_repaired_by_grey_there_is_no_colour_and_brightness_never_told(kinds):
    dataset = kinds["coloured_digits_grey"]
    for examples in (dataset.examples, *dataset.tests.values()):
        for example in examples[::100]:
            assert len(set(background(dataset, example))) == 1
    brightness = [float(colour @ (0.299, 0.587, 0.114)) for colour in COLOURS]
    assert max(brightness) - min(brightness) < 1e-9


def test_every_test_has_the_same_digits_and_none_of_them_is_learned(kinds):
    for dataset in kinds.values():
        parts = split(dataset, share=0.3, seed=0)
        names = {e.name.split("/", 1)[1] for e in parts.validation}
        assert len(names) == 300
        for examples in dataset.tests.values():
            assert {e.name.split("/", 1)[1] for e in examples} == names
            assert not {e.key for e in examples} & {e.key for e in parts.train}


def test_two_kinds_are_tested_on_the_same_files_so_that_they_compare(kinds):
    first, second = kinds["coloured_digits"], kinds["coloured_digits_at_random"]
    for name in (AT_RANDOM, AGAINST):
        assert [e.key for e in first.tests[name]] == [e.key for e in second.tests[name]]


def test_a_photograph_of_a_test_is_read_by_its_name(kinds):
    dataset = kinds["coloured_digits"]
    example = dataset.tests[AGAINST][0]
    assert DatasetStore(Settings.from_env()).read(dataset.key, example.name) == dataset.read(
        example
    )
