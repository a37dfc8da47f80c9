"""Run the tests part by part, whatever a part comes to: ``python -m tests.parts quick rest``.

Ends with one summary of all parts, and status 1 if anything failed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.app_process import ROOT

TWO_FILES_AT_ONCE = ("-n", "2", "--dist", "loadfile")
WITHOUT_BROWSER = (*TWO_FILES_AT_ONCE, "tests/unit", "tests/app")
_TOUR = (
    "tests/e2e/test_home.py",
    "tests/e2e/test_first_path.py",
    "tests/journeys/test_no_third_party.py",
)
_HERE = "not gpu and not walk and not cluster"
FLOOR = 98  # % of tl_core's lines and branches
# What runs in processes of its own, and is tried there
_ELSEWHERE = "tl_core/__main__.py,tl_core/cluster/*"
_COUNTED = ("--cov=tl_core", "--cov-branch", "--cov-append", "--cov-report=")
# Every test of a plain run of pytest is in one of them
PARTS = {
    "quick": {
        "without a browser": [*WITHOUT_BROWSER, "-m", f"not slow and {_HERE}"],
        "a tour in a browser": [*_TOUR],
    },
    "rest": {
        "without a browser, slow": [*WITHOUT_BROWSER, "-m", f"slow and {_HERE}"],
        "in a browser, on a server": [
            *(*TWO_FILES_AT_ONCE, "--ignore=tests/unit", "--ignore=tests/app"),
            *(f"--ignore={file}" for file in _TOUR),
        ],
    },
}


@dataclass
class Part:
    """What one run of pytest came to."""

    name: str
    status: int = 0
    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Part:
    """Run pytest, which prints what it always does, and count."""
    part, begun = Part(name), time.monotonic()
    print(f"\n=== {name} ===", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}"]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | (environment or {}))
        part.status, part.seconds = done.returncode, time.monotonic() - begun
        cases = ET.parse(report).iter("testcase") if report.exists() else ()
        for case in cases:
            _count(part, case)
    if part.status and not part.failed:
        part.failed.append(f"{name}: pytest ended with status {part.status}")
    return part


def _count(part: Part, case: ET.Element) -> None:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        where = (case.get("classname") or "").replace(".", "/")
        part.failed.append(f"{part.name}: {where}.py::{case.get('name')}")
    elif "skipped" in kinds:
        part.skipped += 1
    else:
        part.passed += 1


def summary(parts: Sequence[Part]) -> int:
    """Print what all parts came to; return the status to end with."""
    print("\n=== all parts ===")
    for part in parts:
        minutes, seconds = divmod(round(part.seconds), 60)
        print(f"{part.name}: {_counts([part])}, {minutes} min {seconds} s")
    for failed in (line for part in parts for line in part.failed):
        print(f"FAILED {failed}")
    print(_counts(parts))
    return int(any(part.status or part.failed for part in parts))


def _counts(parts: Sequence[Part]) -> str:
    passed, skipped = (sum(getattr(p, name) for p in parts) for name in ("passed", "skipped"))
    return f"{passed} passed, {sum(len(p.failed) for p in parts)} failed, {skipped} skipped"


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.parts", description=__doc__)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument(
        "--coverage", action="store_true", help=f"of tl_core too, at least {FLOOR} %%"
    )
    options = parser.parse_args()
    asked = [part for name in options.parts for part in PARTS[name].items()]
    if not options.coverage:
        return summary([run(name, arguments) for name, arguments in asked])
    coverage = (sys.executable, "-m", "coverage")
    subprocess.run([*coverage, "erase"], cwd=ROOT, check=True)
    parts = [
        run(name, [*arguments, *(_COUNTED if "tests/unit" in arguments else ())])
        for name, arguments in asked
    ]
    report = ["report", "--skip-covered", f"--omit={_ELSEWHERE}", f"--fail-under={FLOOR}"]
    below = subprocess.run([*coverage, *report], cwd=ROOT, check=False).returncode
    return summary(parts) or below


if __name__ == "__main__":
    sys.exit(main())
