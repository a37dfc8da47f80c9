"""Visitors of a class, each in a thread: they press Start and poll as browsers do."""

import re
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import cycle

from tests.websocket_client import Visitor

_STEP = re.compile(r"\bstep (\d+) of (\d+)")
_SAYS = " says: "
_PAUSE_S = 3.0  # between two questions of somebody who looks around


@dataclass
class Person(ABC):
    """Somebody with a tab, in a thread of their own."""

    url: str
    error: BaseException | None = field(default=None, init=False)
    left: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)

    def come(self) -> None:
        """Open a tab."""
        self._thread.start()

    def leave(self) -> None:
        """Close the tab.

        Raises:
            RuntimeError: If they met an error.
        """
        self.left.set()
        self._thread.join()
        if self.error is not None:
            raise RuntimeError(f"{self} met an error") from self.error

    @abstractmethod
    def visit(self, visitor: Visitor) -> None:
        """Do what they came for, until they have left."""

    def stay(self) -> None:
        """Be there with one tab."""
        with Visitor(self.url) as visitor:
            self.visit(visitor)

    def _run(self) -> None:
        try:
            self.stay()
        except Exception as error:  # noqa: BLE001 - told when they leave
            self.error = error


@dataclass
class Guest(Person):
    """Somebody who opens a page, presses Start and watches, and starts again at the end."""

    page: str = "ideal"
    query: str = ""
    first_picture_s: float | None = field(default=None, init=False)  # after Start
    polls_s: list[float] = field(default_factory=list, init=False, repr=False)
    marks: list[tuple[float, int]] = field(default_factory=list, init=False, repr=False)
    # when so many steps were seen first
    received: int = field(default=0, init=False)  # bytes

    def speed(self, since: float, until: float) -> float:
        """Steps a second, of those seen between two moments."""

        def seen(until: float) -> int:
            return max((step for at, step in self.marks if at <= until), default=0)

        return (seen(until) - seen(since)) / (until - since)

    def visit(self, visitor: Visitor) -> None:
        """Poll each fragment at its own interval."""
        visitor.open(self.page, self.query)
        due: dict[str, float] = {}
        done = latest = 0  # steps of earlier runs, and of this one
        start = time.monotonic()
        while not self.left.is_set():
            if "start" in visitor.widgets:
                done, latest, start = done + latest, 0, time.monotonic()
                visitor.press("start")
                due.clear()
            now, intervals = time.monotonic(), visitor.fragments
            due = {name: due.get(name, now + interval) for name, interval in intervals.items()}
            if not due:
                self.left.wait(0.1)
                continue
            name = min(due, key=due.__getitem__)
            if self.left.wait(max(0.0, due[name] - now)):
                return
            begin = time.monotonic()
            visitor.poll_one(name)
            now = time.monotonic()
            self.polls_s.append(now - begin)
            self.received = visitor.received
            due[name] = max(due[name] + intervals.get(name, 0.0), now)
            found = _STEP.search(" ".join(visitor.texts))
            if found and int(found[1]) > latest:
                latest = int(found[1])
                self.marks.append((now, done + latest))
                self.first_picture_s = self.first_picture_s or now - start


@dataclass
class Asker(Person):
    """Somebody who asks what networks say of photographs."""

    samples: list[str]
    backbones: list[str]
    pause_s: float = _PAUSE_S
    answers_s: list[float] = field(default_factory=list, init=False, repr=False)

    def visit(self, visitor: Visitor) -> None:
        """Follow a link to each question."""
        questions = cycle(
            [(photo, network) for network in self.backbones for photo in self.samples]
        )
        while not self.left.wait(self.pause_s):
            photo, network = next(questions)
            visitor.open()  # a link leads on from another page
            begin = time.monotonic()
            visitor.open("backbones", f"sample={photo}&backbone={network}")
            while not (
                said := [place for place, text in enumerate(visitor.texts) if _SAYS in text]
            ):
                time.sleep(0.05)
                visitor.poll()
            self.answers_s.append(visitor.said_at[said[0]] - begin)
