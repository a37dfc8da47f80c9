"""A visitor who walks through the pages at random, and what must hold after each of its steps."""

import logging
import random
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from streamlit.testing.v1 import AppTest

from pages.languages import SOURCE
from pages.shared import words
from pages.shared.sitemap import ALL_PAGES, PAGES
from tests.journeys.sentences import is_ours
from tests.journeys.watch import Clock, watched
from tests.journeys.widgets import is_press, meanings, send, some_value, widgets
from tests.local_compute import local
from tl_core.lab import Lab

APP = Path(__file__).parents[2] / "streamlit_app.py"
TABS = 2  # of one browser, at once
PAGE_S = 3.0  # no page may keep a visitor waiting for longer
_RUN_S = 300.0  # then AppTest ends the run; far beyond, so that a busy machine is no failure
_WAIT_S = 1.5
_LINKS = {
    "backbone": ("efficientnet_lite1", "mobilenet_v2", "vgg16", "own:gone", ""),
    "sample": ("sample:dalmatian", "sample:none", "sha256:00", ""),
    "layer": ("bn2", "blocks.2.1", "nowhere"),
    "explained": ("predicted", "340", "1000", "x"),
    "rather_than": ("nothing", "runner-up", "0", "x"),
    "methods": ("gradcam", "gradcam,occlusion", "", "x"),
    "goal": ("class", "mix", "several", "channel", "x"),
    "goal_layer": ("blocks.2.1", "bn2", "x"),
    "goal_channel": ("0", "999999", "-1", "x"),
    "target_class": ("0", "999", "1000", "-1", "zebra"),
    "second_class": ("1", "x"),
    "dataset": ("own", "digits", "eurosat", "../.."),
    "language": ("en", "ja", "xx", ""),
}


class Action(NamedTuple):
    """One step: in which tab, what is done there, with which value.

    What is done is the key of a widget, or ``@page`` (go to), ``@link`` (open in place of the tab),
    ``@wait`` (for what is under way), ``@lapse`` (the computer slept, the visit is over, the tab
    is not), ``@close`` (and open a new one), ``@again`` (as the page's timers do).
    """

    tab: int
    what: str
    value: Any = None


Trail = list[Action]


class Broken(AssertionError):
    """Something that no visitor may ever see; ``headline`` tells it from other such things."""

    def __init__(self, headline: str, details: str = "") -> None:
        super().__init__(f"{headline}\n{details}" if details else headline)
        self.headline = headline


class Walk:
    """Visitors on one lab, each in a tab of their own; a context manager.

    They begin in ``language``, and may choose another.
    Whatever is done, ``do`` raises ``Broken`` if something does not hold afterwards.
    """

    def __init__(self, lab: Lab, language: str = SOURCE) -> None:
        self.lab = lab
        self._language = language
        self.tabs: dict[int, AppTest] = {}
        self.meanings: dict[tuple[str, str], tuple[tuple[object, ...], str]] = {}
        self._log: list[logging.LogRecord] = []
        self._clock = Clock()

    def __enter__(self) -> "Walk":
        self._leave_all = watched(self.lab, self._log, self._clock)
        self._leave_all.__enter__()
        return self

    def __exit__(self, *_exc: object) -> None:
        for tab in list(self.tabs):
            self._close(tab)
        self._leave_all.__exit__(None, None, None)
        words._thread.code = SOURCE

    def do(self, action: Action) -> bool:
        """Do one thing and check; ``False`` where it cannot be done here."""
        app = self._tab(action.tab)
        words._thread.code = _language_of(app)  # AppTest formats options in this thread
        self._clock.runs.clear()
        if not self._act(app, action):
            return False
        self._check(self.tabs[action.tab])
        return True

    def choose(self, chance: random.Random) -> Action:
        """Any action that can be done now, presses more often than the rest."""
        tab = chance.randrange(TABS)
        dice = chance.random()
        if dice < 0.15:
            return Action(tab, "@page", chance.choice(ALL_PAGES).path)
        if dice < 0.22:
            kind = chance.choices(("@wait", "@again", "@link", "@close", "@lapse"), (3, 2, 1, 1, 1))
            return Action(tab, kind[0], _link(chance) if kind[0] == "@link" else None)
        words._thread.code = _language_of(self._tab(tab))
        found = widgets(self._tab(tab))
        presses = {key for key, node in found.items() if is_press(node)}
        others = found.keys() - presses
        if not found:
            return Action(tab, "@page", chance.choice(PAGES).path)
        is_press_next = not others or (presses and chance.random() < 0.6)
        key = _one_of_a_kind(presses if is_press_next else others, chance)
        return Action(tab, key, some_value(found[key], chance))

    def _tab(self, tab: int) -> AppTest:
        if tab not in self.tabs:
            self.tabs[tab] = AppTest.from_file(str(APP), default_timeout=_RUN_S)
            self.tabs[tab].query_params["language"] = self._language
            self.tabs[tab].run()
        return self.tabs[tab]

    def _act(self, app: AppTest, action: Action) -> bool:
        if not action.what.startswith("@"):
            node = widgets(app).get(action.what)
            if node is None:
                return False
            send(app, node, action.value)
        elif action.what == "@page":
            app.switch_page(action.value).run()
        elif action.what == "@link":
            self._close(action.tab)
            page, choices = action.value
            app = self._tab(action.tab)
            app.query_params |= choices
            app.switch_page(page).run()
        elif action.what == "@close":
            self._close(action.tab)
            self._tab(action.tab)
        else:
            self._rest(app, action.what)
            app.run()
        return True

    def _rest(self, app: AppTest, how: str) -> None:
        """What happens while the visitor does nothing."""
        if how == "@lapse":
            self._end_visit(app)
        if how == "@wait":
            end = time.monotonic() + _WAIT_S
            for job in self.lab.jobs.of(visitor_of(app)):
                job.wait(max(0.0, end - time.monotonic()))

    def _close(self, tab: int) -> None:
        self._end_visit(self.tabs.pop(tab))

    def _end_visit(self, app: AppTest) -> None:
        """What the lab does once it has not heard of a visitor for a while."""
        if "visit" in app.session_state:  # not after a page that broke before it began one
            self.lab._presence._seen[visitor_of(app)] = float("-inf")
            self.lab._presence.reap()

    # -- what must hold --------------------------------------------------------------------

    def _check(self, app: AppTest) -> None:
        self._check_log()
        if app.exception:
            raise Broken(f"error page: {app.exception[0].value}")
        for box in (*app.error, *app.warning):
            if not is_ours(str(box.value)):
                raise Broken("a box without a sentence of ours", str(box.value))
        self._check_jobs()
        self._check_keys(app)
        for worked_s, waited_s in self._clock.runs:
            if worked_s + waited_s > PAGE_S:
                raise Broken("slow page", f"worked {worked_s:.1f} s, waited {waited_s:.1f} s")

    def _check_log(self) -> None:
        records, self._log[:] = list(self._log), []
        for record in records:
            error = record.exc_info[1] if record.exc_info else None
            what = f"{type(error).__name__}: {error}" if error else record.getMessage()
            details = "".join(traceback.format_exception(error)) if error else ""
            details = details or record.stack_info or ""
            raise Broken(f"in the log: {what}", details)

    def _check_jobs(self) -> None:
        scheduler = local(self.lab).queue
        with scheduler._changed:
            here = self.lab._presence._seen.keys()
            for job in scheduler._active():
                if not (job.cancel_requested or (job.owners and job.owners <= here)):
                    raise Broken("a job without an owner", repr(job.spec))

    def _check_keys(self, app: AppTest) -> None:
        page = app.title[0].value if app.title else "?"
        for key, found in meanings(app):
            known, where = self.meanings.setdefault((key, _language_of(app)), (found, page))
            if known != found:
                raise Broken(f"key {key} with two meanings", f"{where}: {known}, {page}: {found}")


def _language_of(app: AppTest) -> str:
    try:
        return str(app.session_state["current_language"])
    except KeyError:  # a page that broke before it began
        return SOURCE


def visitor_of(app: AppTest) -> str:
    return str(app.session_state["visit"].id)


def stroll(walk: Walk, chance: random.Random, actions: int) -> Iterator[Action]:
    """Do so many actions; yields each before it is done."""
    done = 0
    while done < actions:
        action = walk.choose(chance)
        yield action
        done += walk.do(action)


def _one_of_a_kind(keys: Iterable[str], chance: random.Random) -> str:
    """A key; the many of one kind, as thirteen tricks or five favourite classes, count as one."""
    kinds: dict[str, list[str]] = {}
    for key in sorted(keys):
        kinds.setdefault(key.partition("_")[0], []).append(key)
    return chance.choice(kinds[chance.choice(sorted(kinds))])


def _link(chance: random.Random) -> tuple[str, dict[str, str]]:
    names = chance.sample(sorted(_LINKS), chance.randint(1, 4))
    return chance.choice(PAGES).path, {name: chance.choice(_LINKS[name]) for name in names}
