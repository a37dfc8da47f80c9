"""A visitor in a real browser: sidebar, keyboard, drop zones, back, reload, a closed tab."""

import base64
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pages.languages import SOURCE
from pages.shared.sitemap import ALL_PAGES
from tests.journeys.files import files, names_for
from tests.journeys.sentences import is_ours

SIZES = {"laptop": (1280, 900), "tablet": (820, 1180), "phone": (390, 844)}
_PAGES = [row.address for row in ALL_PAGES]
_BACK_MS = 300
_SHOWN_S = 90  # far beyond, so that a busy machine is no failure
_KEYS = ("Enter", "Space", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "End", "Home")
_MAIN = tuple(f".st-key-{key}" for key in ("start", "stop", "pause", "start_smallest", "new_seed"))
_DROP = """([base64, name]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/jpeg"}));
  return transfer;
}"""
_ZONES = "[data-testid=stFileUploaderDropzone]"
_PLACES = f"[data-testid=stMain], {_ZONES}"  # a photograph is dropped on the page


class Step(NamedTuple):
    """One thing that hands do: what, and where or with what."""

    what: str
    value: Any = None


class Found(AssertionError):
    """Something that no visitor may ever see."""


class BrowserWalk:
    """One visitor of a server at ``url``, whose log lies at ``log``."""

    def __init__(self, chromium: Any, url: str, log: Path, language: str, size: str) -> None:
        self._chromium, self._url, self._log = chromium, url, log
        self._language, self._size = language, SIZES[size]
        self._begin()

    def do(self, step: Step) -> None:
        """Do one thing, wait until the page stands, and check."""
        getattr(self, f"_{step.what}")(step.value)
        self._stand()
        self._check()

    def close(self) -> None:
        self._context.close()

    def choose(self, chance: random.Random) -> Step:
        kinds = ("sidebar", "keys", "press", "drop", "back", "reload", "leave", "link")
        kind = chance.choices(kinds, (5, 6, 6, 2, 2, 1, 1, 1))[0]
        if kind == "sidebar":
            return Step(kind, chance.randrange(len(_PAGES)))
        if kind == "keys":
            return Step(kind, [chance.randint(1, 25), *chance.choices(_KEYS, k=3)])
        if kind == "press":
            return Step(kind, chance.randrange(40))
        if kind == "drop":
            return Step(kind, [chance.randrange(4), chance.choice(names_for([]))])
        return Step(kind, chance.choice(_PAGES) if kind == "link" else None)

    # -- what hands do ---------------------------------------------------------------------

    def _begin(self) -> None:
        self._context = self._chromium.new_context(
            viewport={"width": self._size[0], "height": self._size[1]}, locale=self._language
        )
        self.page = self._context.new_page()
        self.page.set_default_timeout(1000 * _SHOWN_S)
        self.page.goto(self._url)
        self._stand()

    def _sidebar(self, place: int) -> None:
        page = self.page
        page.keyboard.press("Escape")  # what the keyboard may have opened above it
        links = page.locator("[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]")
        menu = page.get_by_test_id("stExpandSidebarButton")
        if not links.count() and menu.count():  # a narrow window keeps them behind a button
            menu.first.evaluate("element => element.click()")
            links.first.wait_for(state="attached")
        self._click(links, place)

    def _keys(self, value: list[Any]) -> None:
        """Tab to somewhere, then press keys there."""
        tabs, *keys = value
        for _ in range(tabs):
            self.page.keyboard.press("Tab")
        for key in keys:
            self.page.keyboard.press(key)

    def _press(self, place: int) -> None:
        """A button of the page; those of runs more often than the rest."""
        buttons = self.page.locator(",".join(f"{main} button" for main in _MAIN))
        if place % 2 or not buttons.count():
            buttons = self.page.get_by_test_id("stMain").locator("button:visible:enabled")
        self._click(buttons, place // 2)

    def _click(self, found: Any, place: int) -> None:
        """Click one, if it is still there: what runs redraws itself meanwhile."""
        elements = found.element_handles()
        if elements:
            elements[place % len(elements)].evaluate("element => element.click()")

    def _drop(self, value: list[Any]) -> None:
        place, name = value
        places = self.page.locator(_PLACES)
        data = base64.b64encode(files()[name]).decode()
        transfer = self.page.evaluate_handle(_DROP, [data, Path(name).name])
        for event in ("dragenter", "dragover", "drop"):
            places.nth(place % places.count()).dispatch_event(event, {"dataTransfer": transfer})

    def _back(self, _value: None) -> None:
        self.page.evaluate("history.back()")  # Playwright's waits for what a new address cuts off
        self.page.wait_for_timeout(_BACK_MS)
        if not self.page.url.startswith(self._url):  # before the first page
            self.page.goto(self._url)

    def _reload(self, _value: None) -> None:
        self.page.reload()

    def _link(self, path: str) -> None:
        self.page.goto(f"{self._url}/{'' if path == 'home' else path}")

    def _leave(self, _value: None) -> None:
        """Close the tab in the middle of everything, and come back as somebody else."""
        self._context.close()
        self._begin()

    # -- what must hold --------------------------------------------------------------------

    def _stand(self) -> None:
        """Wait for a page with its heading, which nothing but an error page lacks."""
        page = self.page
        page.locator("h1, [data-testid=stException]").first.wait_for()

    def _check(self) -> None:
        page = self.page
        if page.get_by_test_id("stException").count():
            raise Found(f"error page at {page.url}")
        for text in page.get_by_test_id("stAlert").all_inner_texts():
            if not _is_known(text):
                raise Found(f"a box without a sentence of ours at {page.url}: {text}")
        if "Traceback" in self._log.read_text():
            raise Found(f"a traceback in the server's log:\n{self._log.read_text()[-3000:]}")


def _is_known(text: str) -> bool:
    """Whether the alert says a sentence of ours; an icon's name stands before it, Markdown gone."""
    words = re.sub(r"^[a-z_]+(?=\n|[A-Z]|[^\x00-\x7f])\n*", "", text.strip())
    return is_ours(words.replace("\n", " "))


def stroll(walk: BrowserWalk, chance: random.Random, steps: int) -> Iterator[Step]:
    """Do so many steps; yields each before it is done."""
    for _ in range(steps):
        step = walk.choose(chance)
        yield step
        walk.do(step)


def explore(
    chromium: Any,
    url: str,
    log: Path,
    seed: int,
    steps: int,
    *,
    language: str = SOURCE,
    size: str = "laptop",
) -> None:
    """Walk at random, in a browser of this language and size.

    Raises:
        AssertionError: If something does not hold; with the seed and the steps that led there.
    """
    from playwright.sync_api import Error  # no other test of this folder needs a browser

    walk, done = BrowserWalk(chromium, url, log, language, size), []
    try:
        for step in stroll(walk, random.Random(seed), steps):
            done.append(step)
    except (Found, Error) as found:
        trail = "\n".join(f"    {tuple(step)!r}," for step in done)
        where = f"seed {seed}, {language}, {size}, step {len(done)}"
        raise AssertionError(f"{where}: {found}\n{trail}") from found
    finally:
        walk.close()
