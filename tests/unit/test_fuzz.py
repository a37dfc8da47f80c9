"""Generated hostile input: some of every kind in each run, all of them by ``make fuzz``."""

from collections import Counter

import pytest

from tests.fuzz.registry import Kind, all_kinds, check, dealt

_CASES = 300


_PROCESSES = ("killed command", "killed download", "forged message", "hostile frames")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in _PROCESSES else ())
        for name in all_kinds()
    ],
)
def test_generated_cases_end_well(name: str) -> None:
    for kind, seed in dealt(all_kinds(), _CASES, seed=0):
        if kind.name == name:
            try:
                check(kind, seed)
            except Exception as error:
                repeat = f"python -m tests.fuzz --kinds '{name}' --seed {seed} --cases 1"
                raise AssertionError(repeat) from error


@pytest.mark.parametrize(("cases", "least"), [(_CASES, 2), (10_000, 50)])
def test_processes_are_killed_in_each_kind_of_work(cases: int, least: int) -> None:
    kinds = [kind.name for kind, _ in dealt(all_kinds(), cases, seed=0)]
    killed = Counter(name for name in kinds if name.startswith("killed"))
    assert set(killed) == {
        f"killed {what}" for what in ("download", "import", "save", "model", "command")
    }
    assert min(killed.values()) >= least


def test_every_kind_gets_a_case_and_its_seeds_can_be_repeated() -> None:
    kinds = {name: Kind(name, lambda seed: None, share) for name, share in {"a": 9, "b": 1}.items()}
    cases = [(kind.name, seed) for kind, seed in dealt(kinds, 20, seed=5)]
    assert cases == [("a", 5 + n) for n in range(18)] + [("b", 5), ("b", 6)]
    assert [seed for _, seed in dealt({"b": kinds["b"]}, 1, seed=6)] == [6]
    assert len(list(dealt(kinds, 1, seed=0))) == 2
