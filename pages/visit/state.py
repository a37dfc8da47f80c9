"""What a visit holds: plain data, drawn and changed by other modules."""

import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from pages.visit.intake import Intake
from pages.visit.waiting import ShownWait
from tl_core.lab import Job, UserError
from tl_core.specs.base import DEFAULT_BACKBONE, Snapshot
from tl_core.specs.datasets import MAX_PHOTOS, OwnClasses
from tl_core.specs.training import FineTuneResult

MOST_KEPT = 500  # of a visit, of each kind: answers, models, small pictures


@dataclass
class Run:
    """Jobs that a visitor started together, each with its caption."""

    jobs: list[tuple[str, Job]] = field(default_factory=list)
    wait: ShownWait = field(default_factory=ShownWait)  # while they are queued
    drawn_over: int = 0  # how many were over when the page drew its buttons
    data: "Data | None" = None  # what it learns from
    is_by_itself: bool = False  # begun because photographs came or went, not by a press
    at: str = ""  # the time of day of its beginning, as the visitor's clock shows it

    @property
    def is_over(self) -> bool:
        return all(job.is_over for _label, job in self.jobs)

    @property
    def over(self) -> int:
        return sum(job.is_over for _label, job in self.jobs)

    @property
    def is_paused(self) -> bool:
        return any(job.pause_requested and not job.is_over for _label, job in self.jobs)


@dataclass(frozen=True, slots=True)
class Finished:
    """A picture that is done."""

    label: str
    png: bytes  # with its settings inside
    settings: str  # the same as JSON
    frames: tuple[bytes, ...]  # JPEGs of how it came to be
    is_from_own_photo: bool  # the settings name it, but do not hold it


@dataclass
class Box:
    """One class of a visitor's own: its name and its photographs, by their keys."""

    id: int
    name: str
    photos: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)  # to be tested on alone; else some of photos
    last: int = 0  # the largest number of a photograph that the browser sent
    bursts: dict[str, int] = field(default_factory=dict)  # of the camera's: their recording
    is_recording: bool = False  # whether more photographs of a recording are on their way
    has_changed: bool = False  # since the page was drawn that learns from it
    is_other: bool = False  # for what is none of the other classes


@dataclass(frozen=True, slots=True)
class ThrownAway:
    """What can be brought back: photographs of a box, or all of it."""

    box: Box
    photos: tuple[str, ...]  # none: the box itself
    place: int  # of the first photograph in the box, or of the box


@dataclass(frozen=True, slots=True)
class Correction:
    """A photograph that was put into its class after a wrong answer."""

    photo: str
    box: int  # the id of its box
    said: str  # the wrong answer; "" of the camera


@dataclass(frozen=True, slots=True)
class Try:
    """A photograph that a model of the visitor's was asked about, and its answer."""

    photo: str
    label: str
    probability: float
    is_unsure: bool
    is_none: bool  # of the classes it was taught


@dataclass(frozen=True, slots=True)
class Data:
    """A data set, named as specs name it."""

    dataset: str
    photos: OwnClasses = ()
    tests: OwnClasses = ()
    bursts: tuple[tuple[str, ...], ...] = ()
    boxes: tuple[int, ...] = ()  # the ids of those that the classes are from
    something_else: str = ""  # the class of what is none of the others
    corrections: tuple[str, ...] = ()  # photographs that were mistakes

    @property
    def named(self) -> dict[str, Any]:
        """The fields of a spec that name it."""
        fields = ("dataset", "photos", "tests", "bursts", "corrections")
        return {name: getattr(self, name) for name in fields}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a page has shown that answers its chapter's question."""

    about: str  # what it was shown of: of another photograph or run it is another outcome
    answer: str  # the one that came true, by its key; "" for none
    figures: dict[str, float | str]  # for the chapter's sentence; names of classes in English


@dataclass
class Guess:
    """A visitor's answer before they tried, and what came of it."""

    answer: str
    is_open: bool  # whether the next outcome counts: not what was on the page at the time
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """The figures of one finished training."""

    dataset: str
    label: str  # of the data set
    mode: str
    backbone: str  # its label
    classes: int
    train: int
    tested: int
    accuracy: float  # shares
    top3: float
    is_unlike_imagenet: bool
    curve: tuple[float, ...]  # accuracy on what it never learned from, by epoch
    elsewhere: float | None = None  # accuracy on the hardest of the data set's other tests


@dataclass(frozen=True, slots=True)
class Taught:
    """How a model came to be."""

    boxes: tuple[int, ...]  # whose names its classes have; none of another data set
    mode: str
    at: str  # the time of day, as the visitor's clock shows it
    is_by_itself: bool  # taught because photographs came or went


@dataclass
class Visit:
    """What one visitor has here; it outlasts a reload of the browser tab."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    code: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)  # a secret
    live_token: str = field(default_factory=secrets.token_urlsafe, repr=False)  # for its camera
    is_live: bool = False  # whether pages show the camera in place of the photograph
    choices: dict[str, str] = field(default_factory=dict)  # kept values of widgets, as in links
    address: dict[str, str] = field(default_factory=dict)  # the query of the tab's address
    drawn_at: float = field(default_factory=time.monotonic)  # when the page was begun last
    backbone: str = DEFAULT_BACKBONE  # the last chosen one that could be used
    photos: list[str] = field(default_factory=list)  # keys of their own photographs, newest first
    numbers: dict[str, int] = field(default_factory=dict)  # of these, in the order they came
    last_photo: int = 0  # the largest number of a message that brought one
    photo_refused: UserError | None = None  # why the latest was, until the page has said so
    jobs: dict[str, Job] = field(default_factory=dict)  # the latest long question of each page
    given_up: dict[str, Snapshot | None] = field(default_factory=dict)  # of jobs: when stopped
    gallery: list[Finished] = field(default_factory=list)  # finished pictures, newest first
    intake: Intake | None = None  # of a zip or folder, until the boxes hold it
    wanted: dict[str, float] = field(default_factory=dict)  # when each Start was pressed
    runs: dict[str, Run] = field(default_factory=dict)  # the latest run of each page
    boxes: list[Box] = field(default_factory=list)  # classes of their own, to be taught
    thrown_away: list[ThrownAway] = field(default_factory=list)  # newest last
    learned_from: OwnClasses = ()  # the photographs of the newest training, whatever their names
    taught: dict[str, Taught] = field(default_factory=dict)  # by model
    named: dict[str, bool] = field(default_factory=dict)  # models that the visitor has given a name
    outlived: list[str] = field(default_factory=list)  # models that a newer one has replaced
    pane: str = ""  # of Teach it, where there is room for one; "" before one was opened
    has_tried: bool = False  # whether trying was opened after something was taught
    corrections: list[Correction] = field(default_factory=list)  # newest last
    has_corrected: bool = False  # live, since the page was drawn around the camera
    learned_too: dict[str, tuple[str, ...]] = field(default_factory=dict)  # mistakes, by data set
    before_corrections: FineTuneResult | None = None  # of the model whose mistakes these were
    tries: list[Try] = field(default_factory=list)  # newest first
    not_tried: str | None = None  # the chosen photograph when a new set was learned
    linked_photo: str = ""  # the photograph of the last link that was opened
    thumbnails: dict[str, bytes] = field(default_factory=dict)  # of a run's photographs, by key
    labels: dict[str, str] = field(default_factory=dict)  # pictures on the picker, by key
    guesses: dict[str, Guess] = field(default_factory=dict)  # by chapter
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # what each chapter's page shows
    learned: dict[str, Learned] = field(default_factory=dict)  # finished trainings, by model
    quiz: dict[str, int] = field(default_factory=dict)  # the answers given, by question
    maps: dict[str, dict[str, str]] = field(default_factory=dict)  # classes on a data set's map

    @property
    def room(self) -> int:
        """How many photographs the boxes have room for."""
        return MAX_PHOTOS - sum(len(box.photos) + len(box.tests) for box in self.boxes)

    def trim(self) -> None:
        """Forget the oldest of what is kept by key, where that is more than anybody makes."""
        for kept in vars(self).values():
            if isinstance(kept, dict):
                trim(kept, MOST_KEPT)


def trim(kept: dict[str, Any], most: int) -> None:
    """Drop the oldest entries beyond ``most``."""
    for key in list(kept)[: max(len(kept) - most, 0)]:
        del kept[key]
