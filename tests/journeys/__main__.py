"""Walk with new seeds: ``python -m tests.journeys [--actions N] [--steps N] [--seed S] ...``."""

import argparse
import logging
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pages.languages import codes
from tests.app_process import serve
from tests.chromium import CHROMIUM, CHROMIUM_ARGS
from tests.journeys import browser
from tests.journeys.conftest import lab_settings
from tests.journeys.explore import explore
from tl_core.lab import Lab

# then the next visitors come, so that what was found has a short trail
_ACTIONS_EACH = 250
_STEPS_EACH = 50
_SHRINK_S = 300.0


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.journeys", description=__doc__)
    arguments.add_argument("--actions", type=int, default=3000, help="on pages without a browser")
    arguments.add_argument("--steps", type=int, default=300, help="in Chromium")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments.add_argument("--language", choices=codes(), help="at first; by turns if left out")
    arguments.add_argument("--size", choices=browser.SIZES, help="by turns if left out")
    chosen = arguments.parse_args()
    start = time.monotonic()
    for name in ("scriptrunner_utils.script_run_context", "state.session_state_proxy"):
        logging.getLogger(f"streamlit.runtime.{name}").disabled = True  # no server: meant
    print(f"seed {chosen.seed}", flush=True)
    try:
        languages = [chosen.language] if chosen.language else list(codes())
        _without_browser(chosen.actions, chosen.seed, languages)
        if CHROMIUM is None:
            print("no Chromium here, so none of its steps", flush=True)
        else:
            sizes = [chosen.size] if chosen.size else list(browser.SIZES)
            _in_browser(chosen.steps, chosen.seed, languages, sizes)
    except AssertionError as found:
        print(found)
        return 1
    seconds = time.monotonic() - start
    print(f"nothing found in {seconds:.0f} s; seed {chosen.seed}")
    return 0


def _without_browser(actions: int, seed: int, languages: Sequence[str]) -> None:
    for number, first in enumerate(range(0, actions, _ACTIONS_EACH)):
        count = min(_ACTIONS_EACH, actions - first)
        language = languages[number % len(languages)]
        print(f"{count} actions, seed {seed + number}, {language}", flush=True)
        with tempfile.TemporaryDirectory() as folder, Lab(lab_settings(Path(folder))) as lab:
            explore(lab, seed + number, count, shrink_s=_SHRINK_S, language=language)


def _in_browser(steps: int, seed: int, languages: Sequence[str], sizes: Sequence[str]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for number, first in enumerate(range(0, steps, _STEPS_EACH)):
            count = min(_STEPS_EACH, steps - first)
            # two languages and three sizes meet in every pair after six
            language, size = languages[number % len(languages)], sizes[number % len(sizes)]
            print(
                f"{count} steps in Chromium, seed {seed + number}, {language}, {size}", flush=True
            )
            with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as url:
                log = Path(folder) / "log"
                browser.explore(
                    chromium, url, log, seed + number, count, language=language, size=size
                )
        chromium.close()


if __name__ == "__main__":
    sys.exit(main())
