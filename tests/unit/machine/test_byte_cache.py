from concurrent.futures import ThreadPoolExecutor

import pytest

from tl_core.machine.byte_cache import ByteCache


def test_the_least_recently_used_leave_first():
    cache = ByteCache[str](30)
    for key in "abc":
        cache.put(key, key.upper(), 10)
    assert cache.get("a") == "A"
    cache.put("d", "D", 10)
    assert [cache.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    assert cache.size_bytes == 30


def test_a_value_above_the_whole_budget_is_not_kept_and_pushes_nothing_out():
    cache = ByteCache[str](30)
    cache.put("small", "kept", 10)
    cache.put("large", "too much", 31)
    assert cache.get("large") is None
    assert cache.get("small") == "kept"


def test_a_new_value_takes_the_place_of_the_old_one_in_the_count():
    cache = ByteCache[str](30)
    cache.put("a", "old", 20)
    cache.put("a", "new", 25)
    assert cache.get("a") == "new"
    assert cache.size_bytes == 25


@pytest.mark.parametrize("threads", [8])
def test_many_threads_leave_it_within_its_budget(threads: int):
    cache = ByteCache[int](100)

    def use(number: int) -> None:
        for step in range(200):
            cache.put((number, step % 7), step, 9)
            cache.get((number + 1, step % 7))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(use, range(threads)))
    kept = [(n, s) for n in range(threads) for s in range(7) if cache.get((n, s)) is not None]
    assert cache.size_bytes == 9 * len(kept) <= 100


def test_what_belongs_to_an_owner_is_counted_and_dropped_with_them():
    cache = ByteCache[str](100)
    for key, owner in (("a", "ann"), ("b", "bob"), ("c", "ann"), ("d", "")):
        cache.put(key, key, 10, owner=owner)
    assert cache.held() == {"ann": 20, "bob": 10, "": 10}
    cache.forget("ann")
    assert cache.held() == {"bob": 10, "": 10}
    assert cache.size_bytes == 20


def test_stale_keys_are_dropped():
    cache = ByteCache[str](100)
    for key in "abc":
        cache.put(key, key, 10)
    cache.drop_where(lambda key: key != "b")
    assert [cache.get(key) for key in "abc"] == [None, "b", None]
    assert cache.size_bytes == 10


def test_a_value_that_left_is_in_no_owners_count():
    cache = ByteCache[str](30)
    cache.put("a", "A", 20, owner="ann")
    cache.put("a", "A", 10, owner="bob")
    cache.put("b", "B", 25, owner="bob")
    assert cache.held() == {"bob": 25}
