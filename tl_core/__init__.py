"""Everything of the Transfer Learning Lab that is not Streamlit."""

import os

# MKL may otherwise round differently from call to call, and a replayed picture would not be the
# same bytes; it reads this at its first use.
os.environ.setdefault("MKL_CBWR", "AUTO")

# torch's threads spin for so many turns before they sleep while they wait for each other. With
# the default of millions, one that waits for a thread without a core keeps its own core from it.
# libgomp reads this when it is loaded, with torch.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
