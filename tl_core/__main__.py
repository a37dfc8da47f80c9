"""The command line: ``python -m tl_core COMMAND``."""

import sys

if __name__ == "__main__":
    try:
        from tl_core.commands import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before the command has begun
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tl_core"):
            raise
        sys.exit(
            f"The package {error.name} is not installed for {sys.executable}. Install what the lab "
            f"needs with {sys.executable} -m pip install -r requirements.txt."
        )
