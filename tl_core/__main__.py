"""The command line: ``python -m tl_core COMMAND``, or ``tl COMMAND`` where it was installed."""

import sys


def main() -> int:
    """Run the command that was typed; its exit status."""
    try:
        from tl_core.commands import main

        return main(sys.argv[1:])
    except KeyboardInterrupt:  # before the command has begun
        sys.stderr.write("Stopped.\n")
        return 130
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tl_core"):
            raise
        sys.exit(
            f"The package {error.name} is not installed for {sys.executable}. Install what the lab "
            f"needs with {sys.executable} -m pip install -r requirements.txt."
        )


if __name__ == "__main__":
    sys.exit(main())
