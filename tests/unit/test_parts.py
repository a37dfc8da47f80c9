"""The tests in parts, with one summary."""

from pathlib import Path

import pytest

from tests.parts import Part, run, summary

TESTS = """
import pytest
def test_good(): pass
def test_bad(): assert False
@pytest.mark.parametrize("n", [1])
def test_left_out(n): pytest.skip()
@pytest.fixture
def broken(): raise OSError
def test_broken(broken): pass
"""


@pytest.fixture
def part(tmp_path: Path) -> Part:
    file = tmp_path / "test_some.py"
    file.write_text(TESTS)
    options = ["-c", "/dev/null", "-p", "no:cacheprovider", f"--rootdir={tmp_path}"]
    return run("some", [*options, str(file)])


def test_after_a_failure_the_summary_names_it_and_the_status_is_1(
    part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (part.passed, part.skipped, part.status) == (1, 1, 1)
    good = Part("others", passed=3)
    assert summary([part, good]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "4 passed, 2 failed, 1 skipped"
    assert "FAILED some: test_some.py::test_bad" in lines
    assert "FAILED some: test_some.py::test_broken" in lines


def test_where_all_passed_the_status_is_0() -> None:
    assert summary([Part("a", passed=1), Part("b", passed=2)]) == 0


def test_a_part_without_a_test_has_failed(tmp_path: Path) -> None:
    part = run("none", [str(tmp_path / "missing.py")])
    assert summary([part]) == 1
    assert part.failed == ["none: pytest ended with status 4"]
