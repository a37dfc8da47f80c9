"""The command line: ``python -m tl_core COMMAND``."""

import sys

from tl_core.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
