"""Run tests as other processors would compute: ``python -m tests.machines [--all]``.

Processors round differently: their instructions decide in which order sums are taken. The libraries
can be told to leave instructions out that this processor has. Without ``--all`` only files that
compare pictures or logits to the bit are run.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import NamedTuple

from tests.parts import TWO_FILES_AT_ONCE, WITHOUT_BROWSER, run, summary

_CPU = Path("/proc/cpuinfo")


class Machine(NamedTuple):
    """A processor to compute as; another one than this only where this has one of ``more``."""

    name: str
    environment: dict[str, str]
    more: frozenset[str]  # flags of processors


_WIDE = frozenset({"avx512f"})
_BF16 = frozenset({"avx512_bf16", "avx512_vnni", "amx_tile"})
MACHINES = (
    Machine("oneDNN with AVX2", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, _WIDE),
    Machine("oneDNN with AVX-512", {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}, _BF16),
    Machine(
        "oneDNN with AVX-512 and bfloat16",
        {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"},
        frozenset({"amx_tile", "avx512_fp16"}),
    ),
    Machine("PyTorch without AVX", {"ATEN_CPU_CAPABILITY": "default"}, frozenset({"avx2"})),
    Machine("PyTorch with AVX2", {"ATEN_CPU_CAPABILITY": "avx2"}, _WIDE),
    Machine("one thread", {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}, frozenset({"cores"})),
)
FILES = (
    "tests/unit/backbones/test_pointwise.py",
    "tests/unit/feature_maps/test_activations.py",
    "tests/unit/attack/test_runner.py",
    "tests/unit/ideal/test_runner.py",
    "tests/unit/imageopt/test_batch.py",
    "tests/unit/imageopt/test_runner.py",
    "tests/unit/imageopt/test_randomness.py",
    "tests/unit/imageopt/test_reductions.py",
    "tests/unit/training/test_model_file.py",
    "tests/unit/training/test_trainable.py",
)


def flags() -> frozenset[str] | None:
    """What this processor can, and "cores" if it has several; ``None`` where it does not say."""
    lines = _CPU.read_text().splitlines() if _CPU.exists() else []
    found = next((line for line in lines if line.startswith("flags")), None)
    if found is None:
        return None
    several = {"cores"} if (os.cpu_count() or 1) > 1 else set()
    return frozenset(found.partition(":")[2].split()) | several


def main() -> int:
    """Run what differs from this machine, and say what does not."""
    parser = argparse.ArgumentParser(prog="python -m tests.machines", description=__doc__)
    parser.add_argument("--all", action="store_true", help="all tests without a browser")
    wanted = parser.parse_args()
    here, parts = flags(), []
    for machine in MACHINES:
        if here is not None and not here & machine.more:
            print(f"{machine.name}: as this processor is")
        else:
            # of arithmetic on all cores two files at once take twice as long as one after another
            at_once = TWO_FILES_AT_ONCE if "OMP_NUM_THREADS" in machine.environment else ()
            arguments = WITHOUT_BROWSER if wanted.all else [*at_once, *FILES]
            parts.append(run(machine.name, ["-q", *arguments], machine.environment))
    return summary(parts)


if __name__ == "__main__":
    sys.exit(main())
