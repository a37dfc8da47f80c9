"""Names the known vulnerabilities of what is pinned, where a network allows.

They are news for whoever raises the pins, and no reason for a checkout to fail from one day to the
next.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FILES = ["--requirement", "requirements.txt", "--requirement", "requirements-cluster.txt"]
_COMMAND = ["-m", "pip_audit", *_FILES, "--no-deps", "--disable-pip"]
_OPTIONS = ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]


def main() -> int:
    """Print a line for each vulnerability, or why nobody could be asked."""
    done = subprocess.run(
        [sys.executable, *_COMMAND, *_OPTIONS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"Known vulnerabilities were not looked up: {reason}")
        return 0
    lines = [
        f"{package['name']} {package['version']}: {each['id']}, "
        f"mended in {', '.join(each['fix_versions']) or 'no version yet'}"
        for package in found
        for each in package.get("vulns", [])
    ]
    skipped = [package["name"] for package in found if "skip_reason" in package]
    if len(skipped) < len(found):
        lines.append(f"{len(found) - len(skipped)} pins were looked up, {len(lines)} hits.")
    if skipped:
        lines.append(f"{len(skipped)} pins are unknown to this network's index: not looked up.")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
