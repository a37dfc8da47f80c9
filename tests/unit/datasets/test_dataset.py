import pytest

from tl_core.datasets.dataset import Dataset, Example, duplicates, sample_per_class, split


def dataset(*examples: Example) -> Dataset:
    return Dataset("d", "D", ("a", "b"), examples, read=lambda example: b"")


def many(count: int) -> Dataset:
    return dataset(*(Example(f"k{i}", i % 2, f"{i}.jpg") for i in range(count)))


def keys(examples: tuple[Example, ...]) -> set[str]:
    return {example.key for example in examples}


def test_no_photograph_is_on_both_sides() -> None:
    parts = split(many(40), share=0.3, seed=3)
    assert not keys(parts.train) & keys(parts.validation)
    assert len(parts.train) + len(parts.validation) == 40


def test_each_class_gives_the_same_share() -> None:
    parts = split(many(40), share=0.3, seed=3)
    assert [sum(e.label == label for e in parts.validation) for label in (0, 1)] == [6, 6]


def test_the_seed_decides_the_split() -> None:
    assert split(many(40), share=0.3, seed=3) == split(many(40), share=0.3, seed=3)
    assert split(many(40), share=0.3, seed=3) != split(many(40), share=0.3, seed=4)


def test_the_order_of_files_does_not_matter() -> None:
    examples = many(20).examples
    one = split(dataset(*examples), share=0.3, seed=0)
    other = split(dataset(*reversed(examples)), share=0.3, seed=0)
    assert keys(one.validation) == keys(other.validation)


def test_two_photographs_are_enough_for_both_sides() -> None:
    parts = split(many(4), share=0.05, seed=0)
    assert len(parts.train) == len(parts.validation) == 2


def test_copies_stay_together() -> None:
    twins = [Example(f"k{i}", i % 2, f"{i}-{n}.jpg") for i in range(10) for n in range(3)]
    for seed in range(20):
        parts = split(dataset(*twins), share=0.5, seed=seed)
        assert not keys(parts.train) & keys(parts.validation)
    assert duplicates(twins) == 20


def test_a_copy_filed_under_two_classes_stays_on_one_side() -> None:
    examples = [*many(10).examples, Example("k0", 1, "wrong.jpg")]
    for seed in range(10):
        parts = split(dataset(*examples), share=0.5, seed=seed)
        assert not keys(parts.train) & keys(parts.validation)


def test_sides_of_the_data_set_are_kept_and_copies_leave_training() -> None:
    given = dataset(
        Example("x", 0, "train/a/1", "train"),
        Example("y", 1, "train/b/1", "train"),
        Example("x", 0, "val/a/1", "validation"),
    )
    parts = split(given, share=0.3, seed=0)
    assert keys(parts.train) == {"y"}
    assert keys(parts.validation) == {"x"}
    assert parts.duplicates_across == 1


def test_a_class_with_photographs_for_the_test_is_learned_whole_and_any_other_is_divided() -> None:
    learned = [Example(f"a{i}", 0, f"a{i}", "train") for i in range(4)]
    given = dataset(
        *learned,
        Example("t", 0, "t", "validation"),
        Example("a0", 0, "again", "validation"),
        *(Example(f"b{i}", 1, f"b{i}") for i in range(4)),
    )
    parts = split(given, share=0.25, seed=0)
    assert keys(parts.train) >= {"a1", "a2", "a3"}
    assert sum(example.label for example in parts.train) == 3
    assert keys(parts.validation) >= {"t", "a0"}
    assert len(parts.validation) == 3
    assert parts.duplicates_across == 1


@pytest.mark.parametrize("seed", range(3))
def test_fewer_photographs_are_among_more(seed: int) -> None:
    examples = many(40).examples
    few, more = sample_per_class(examples, 2, seed=seed), sample_per_class(examples, 8, seed=seed)
    assert keys(few) < keys(more)
    assert len(few) == 4
    assert sample_per_class(examples, 0, seed=seed) == examples


def recorded(*sizes: tuple[int, ...]) -> Dataset:
    """For each class bursts of so many photographs; one of a single photograph is no burst."""
    return dataset(
        *(
            Example(f"{label} {burst} {n}", label, f"{n}", burst=f"{label} {burst}" * (size > 1))
            for label, bursts in enumerate(sizes)
            for burst, size in enumerate(bursts)
            for n in range(size)
        )
    )


@pytest.mark.parametrize("bursts", [(5, 5), (9, 2, 2), (12, 1, 1, 1), (3, 3, 3, 3)])
def test_no_photograph_of_a_burst_is_on_both_sides(bursts: tuple[int, ...]) -> None:
    for seed in range(20):
        parts = split(recorded(bursts, bursts), share=0.3, seed=seed)
        sides = [{e.burst for e in side if e.burst} for side in (parts.train, parts.validation)]
        assert not sides[0] & sides[1]
        assert {e.label for e in parts.train} == {e.label for e in parts.validation} == {0, 1}
        assert len(parts.train) + len(parts.validation) == 2 * sum(bursts)


def test_where_a_class_has_one_burst_alone_nothing_is_tested_and_all_is_learned() -> None:
    parts = split(recorded((8,), (4, 4)), share=0.3, seed=0)
    assert parts.validation == ()
    assert len(parts.train) == 16


def test_a_correction_is_learned_from_and_leaves_the_rest_of_the_test_as_it_was() -> None:
    before = split(many(40), share=0.3, seed=3)
    wrong = before.validation[0].key
    after = split(many(40), share=0.3, seed=3, corrections={wrong})
    assert keys(after.validation) == keys(before.validation) - {wrong}
    assert keys(after.train) == keys(before.train) | {wrong}


def with_a_test(count: int) -> Dataset:
    train = [Example(f"k{i}", i % 2, f"{i}.jpg", "train") for i in range(10)]
    return dataset(*train, *(Example(f"t{i}", i % 2, "", "validation") for i in range(count)))


def test_a_correction_of_a_data_sets_own_test_is_learned_from_too() -> None:
    parts = split(with_a_test(6), share=0.3, seed=0, corrections={"t1"})
    assert "t1" in keys(parts.train)
    assert keys(parts.validation) == {"t0", "t2", "t3", "t4", "t5"}


def test_where_corrections_leave_a_class_without_a_test_there_is_none() -> None:
    parts = split(with_a_test(2), share=0.3, seed=0, corrections={"t1"})
    assert parts.validation == ()
    assert "t1" in keys(parts.train)
