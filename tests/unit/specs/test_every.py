"""What is read before any work begins: every spec, and what every package has at its front."""

import subprocess
import sys
from pathlib import Path

CORE = Path("tl_core")
FRONTS = sorted(".".join(file.parent.parts) for file in CORE.rglob("__init__.py"))
SPECS = sorted(".".join(file.with_suffix("").parts) for file in CORE.glob("specs/[!_]*.py"))
_LOADED = """
import importlib, sys
for name in {names}:
    importlib.import_module(name)
print([name for name in ("torch", "torchvision", "numpy", "streamlit") if name in sys.modules])
"""


def test_every_spec_and_every_package_leave_torch_unloaded():
    program = _LOADED.format(names=[*FRONTS, *SPECS])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
