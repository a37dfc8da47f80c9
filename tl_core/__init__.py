"""Everything of the Transfer Learning Lab that is not Streamlit."""

import os
from pathlib import Path

# MKL may otherwise round differently from call to call, and a replayed picture would not be the
# same bytes; it reads this at its first use. On Intel's processors it also divides long sums among
# the cores, so that another number of them would round otherwise, but where it is told to be
# strict; on others it knows no strictness and divides none.
_PROCESSOR = Path("/proc/cpuinfo")
_IS_INTEL = _PROCESSOR.exists() and "GenuineIntel" in _PROCESSOR.read_text(errors="replace")
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT" if _IS_INTEL else "AUTO")

# torch's threads spin for so many turns before they sleep while they wait for each other. With
# the default of millions, one that waits for a thread without a core keeps its own core from it.
# libgomp reads this when it is loaded, with torch.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
