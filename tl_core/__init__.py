"""Everything of the Transfer Learning Lab that is not Streamlit."""

import os

# MKL may otherwise round differently from call to call, and a replayed picture would not be the
# same bytes; it reads this at its first use.
os.environ.setdefault("MKL_CBWR", "AUTO")
