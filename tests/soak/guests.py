"""Visitors at random: each comes, looks, asks, runs something and goes, and comes as another."""

import base64
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

from pages.shared.sitemap import PAGES, PATH
from tests.hostile import photo, saved
from tests.journeys.files import files
from tests.load.guests import Person
from tests.load.scenes import NETWORKS
from tests.websocket_client import Visitor
from tl_core.images.samples import SAMPLES

_PAGES = [row.address for row in (*PAGES, PATH)]
_RUNS: Mapping[str, Callable[[random.Random], dict[str, object]]] = {
    "ideal": lambda chance: {"steps": chance.choice((10, 30, 64, 128))},
    "attack": lambda chance: {"steps": chance.choice((30, 64, 128)), "confidence": 1},
    "teach": lambda chance: {
        "dataset": "digits",
        "mode": chance.choice(("head", "head", "last-block", "pixels")),
        "photos_per_class": chance.choice((4, 8, 16)),
        "trick_epochs": chance.choice((2, 5, 20)),
    },
}
_PRESSES = {"stop": ("stop",), "pause": ("pause",), "pause and go on": ("pause", "pause")}
_LONGEST_RUN_S = 900.0
_TRIES = 5  # of a reloaded page to get its visit back, as assets/components/resume.js has them


Action = Callable[["Passer"], None]


@dataclass
class Passer(Person):
    """Whoever sits at one computer, one after the other; ``did`` counts what they did.

    ``pause_s`` is the longest rest between two actions.
    """

    seed: str = ""
    pause_s: float = 2.0
    did: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.chance = random.Random(self.seed)

    def stay(self) -> None:
        """Come again and again."""
        while not self.left.is_set():
            self.visit(Visitor(self.url))
            self.did["visits"] += 1

    def visit(self, visitor: Visitor) -> None:
        """Do a few things, and close the tab, or be just gone."""
        self.tab, self.sent, self.page = visitor, 0, ""
        actions = self.chance.choices(_ACTIONS, _OFTEN, k=self.chance.randint(2, 6))
        try:
            self.tab.open()
            for action in actions:
                if self.left.is_set():
                    break
                action(self)
                self.did[action.__name__.replace("_", " ")] += 1
                self.left.wait(self.chance.uniform(0, self.pause_s))
        finally:
            self._go_away()

    def look_at_a_page(self) -> None:
        """Any page, with a network and a photograph of the gallery."""
        self._go(self.chance.choice(_PAGES))
        self._watch(2)

    def ask(self) -> None:
        """What a network says of a photograph."""
        self._go("backbones")
        self._watch(3)

    def show_a_photograph(self) -> None:
        """One of their own, that nobody else has."""
        if "photo" not in self.tab.widgets:
            self._go("backbones")
        picture = photo(self.chance.randint(240, 640), self.chance.randint(240, 480))
        data = saved(picture.rotate(self.chance.randrange(360)), "JPEG")
        self.sent += 1
        message = {"number": self.sent, "data": base64.b64encode(data).decode()}
        self.tab.tell_component("photo", "sent", message)
        self._watch(2)

    def drop_a_zip(self) -> None:
        """Photographs of two classes, and a training on them."""
        self._drop_a_zip()
        self._run_something()

    def run_something(self) -> None:
        """Start on one of the three pages, and one of the things that may come then."""
        page = self.chance.choice(list(_RUNS))
        self._go(page, **_RUNS[page](self.chance))
        self._run_something()

    def take_a_model_home_and_back(self) -> None:
        """Teach with photographs, wait, save the model's file, and load it again."""
        self._drop_a_zip()
        self._run_to_its_end()
        if "download_model" in self.tab.downloads:
            data = self.tab.download("download_model")
            self.tab.drop("model_file", [("model.safetensors", data)])
            self.did["models loaded"] += any("Loaded" in text for text in self.tab.texts)

    def take_a_picture_home(self) -> None:
        """Draw a picture, wait, and save the film of how it came to be."""
        self._go("ideal", steps=30)
        self._run_to_its_end()
        if "film_main" in self.tab.downloads:
            self.tab.download("film_main")
            self.did["films saved"] += 1

    def reload(self) -> None:
        """The same page again, which asks for the visit that it had."""
        code = self.tab.code
        self._go_away()
        self.tab = Visitor(self.url).open(self.page)
        for _ in range(_TRIES):
            self.tab.tell_component("resume", "wanted", {"code": code, "address": ""})
            if self.tab.code == code:
                self.did["visits resumed"] += 1
                return
            if self.left.wait(0.5):
                return

    def press_and_vanish(self) -> None:
        """Start a run, and be gone before the answer; then somebody else's tab is opened."""
        self._go("ideal", steps=128)
        self.tab.timeout_s = 0
        with suppress(TimeoutError):
            self.tab.press("start" if "start" in self.tab.widgets else "stop")
        self.tab.vanish()
        self.tab, self.sent = Visitor(self.url).open(), 0

    def _drop_a_zip(self) -> None:
        self._go("teach", dataset="own", mode="head", trick_epochs=2)
        self.tab.drop("upload_zip", [("set.zip", files()["two-classes.zip"])])

    def _run_to_its_end(self) -> None:
        """Also when everybody leaves: whoever waits for something takes it along."""
        if "stop" in self.tab.widgets:  # of an earlier run, which they may have paused
            self.tab.press("stop")
            self._wait_for_the_end()
        if "start" in self.tab.widgets:
            self.tab.press("start")
            self._wait_for_the_end()

    def _wait_for_the_end(self) -> None:
        """Poll as often as a browser does."""
        until = time.monotonic() + _LONGEST_RUN_S
        while "stop" in self.tab.widgets:
            if time.monotonic() > until:
                raise TimeoutError(f"a run on {self.page} did not end: {self.tab.texts}")
            every_s = min(self.tab.fragments.values())
            time.sleep(every_s)
            self.tab.poll(at_most_s=every_s)

    def _run_something(self) -> None:
        if "start" in self.tab.widgets:
            self.tab.press("start")
            self.did["runs started"] += "stop" in self.tab.widgets
        self._watch(self.chance.randint(1, 8))
        end = self.chance.choice(("stop", "pause", "pause and go on", "go elsewhere", "stay"))
        if end == "go elsewhere":
            self._go(self.chance.choice(_PAGES))
        for key in _PRESSES.get(end, ()):
            if key in self.tab.widgets:
                self.tab.press(key)
                self.did[f"runs: {end}"] += 1
                self._watch(1)

    def _go(self, page: str, **choices: object) -> None:
        """Follow a link, which leads on from another page."""
        if self.page == page:
            self.tab.open()
        chosen = {"backbone": self.chance.choice(NETWORKS), "seed": self.chance.randrange(10**6)}
        chosen["sample"] = self.chance.choice(SAMPLES).key
        self.tab.open(page, urlencode(chosen | choices))
        self.page = page

    def _watch(self, polls: int) -> None:
        for _ in range(polls):
            if self.left.wait(0.5):
                return
            self.tab.poll()

    def _go_away(self) -> None:
        if self.chance.random() < 1 / 3:
            self.tab.vanish()
            self.did["lines cut"] += 1
        else:
            self.tab.close()


_CHANCES: dict[Action, int] = {
    Passer.look_at_a_page: 4,
    Passer.ask: 2,
    Passer.show_a_photograph: 3,
    Passer.drop_a_zip: 1,
    Passer.run_something: 5,
    Passer.take_a_model_home_and_back: 1,
    Passer.take_a_picture_home: 1,
    Passer.reload: 2,
    Passer.press_and_vanish: 1,
}
_ACTIONS, _OFTEN = list(_CHANCES), list(_CHANCES.values())
