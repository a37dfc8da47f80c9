"""``python -m tests.messages update [LANGUAGE]`` and ``check``: see CONTRIBUTING.md."""

import sys

from pages.languages import LOCALES, SOURCE, codes
from tests.messages.catalogues import problems, update


def main(arguments: list[str]) -> int:
    """Do what the command line asks for; 1 where a catalogue has problems."""
    match arguments:
        case ["update", *languages]:
            for language in languages or [code for code in codes() if code != SOURCE]:
                update(language)
                missing = sum(1 for _ in problems(language))
                print(f"{LOCALES / language / 'lab.po'}: {missing} to be translated or mended")
            return 0
        case ["check"]:
            found = [line for code in codes() if code != SOURCE for line in problems(code)]
            print(*found, sep="\n" if found else "")
            return int(bool(found))
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
