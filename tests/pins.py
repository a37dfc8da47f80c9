"""Whether the pins of what is shipped can be installed as wheels with each Python we promise."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")


def main() -> int:
    """Ask pip for each version; nothing is installed. Return 1 if a pin cannot be had."""
    problems = 0
    for version in VERSIONS:
        with tempfile.TemporaryDirectory() as target:
            command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps"]
            command += ["--only-binary=:all:", "--python-version", version, "--target", target]
            command += ["--disable-pip-version-check", "-r", "requirements.txt"]
            command += ["-r", "requirements-cluster.txt"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            problems += 1
            print(f"Python {version}: {done.stderr.strip()}", file=sys.stderr)
        else:
            print(f"Python {version}: every pin is there")
    return min(problems, 1)


if __name__ == "__main__":
    sys.exit(main())
