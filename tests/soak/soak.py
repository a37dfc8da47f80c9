"""One soak: an app, those who come and go, looks at it every few seconds, and what is left."""

import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.app_process import AppProcess, app_process
from tests.soak.guests import Passer
from tests.soak.served import ask
from tests.websocket_client import Visitor

_LOOK_EVERY_S = 3.0
_ALL_GONE_S = 180.0  # then what is still there counts as left; a file that nobody took stays 120
UNFINISHED = (".part", ".unfinished")
# What the app holds for visitors: nothing of it after they are gone
HELD = (
    "visits",
    "codes of visits",
    "open jobs",
    "jobs without an owner",
    "runners",
    "visitors charged",
    "open questions",
    "runs estimated",
    "photographs",
    "photographs being added",
    "own models",
    "finished pictures MB",
    "tabs",
    "uploaded files",
    "media files",
    "downloads",
    "uploads refused",
    "unfinished files",
    "sessions",
)

Look = dict[str, float]


@dataclass(frozen=True)
class Patience:
    """How long the app waits for those who have gone: short, so that they are soon forgotten."""

    away_s: int = 5  # TL_VISIT_TIMEOUT_S, else 90
    forgotten_s: int = 20  # TL_VISIT_RESUME_S, else 600
    download_s: int = 10  # downloads.KEPT_S, else 60
    session_s: int = 10  # Streamlit's server.disconnectedSessionTTL, else 120


@dataclass
class Soak:
    """What was seen while people were here, and each time that all had gone.

    The first time is after the warm-up.
    """

    gone: list[Look] = field(default_factory=list)
    quiet_types: Counter[str] = field(default_factory=Counter)  # the first time
    left_types: Counter[str] = field(default_factory=Counter)  # the last
    looks: list[Look] = field(default_factory=list)  # after the warm-up
    visits: list[int] = field(default_factory=list)  # made before each of ``gone``
    did: Counter[str] = field(default_factory=Counter)
    log: str = ""

    @property
    def remains(self) -> dict[str, float]:
        """What the app still holds for visitors who have all gone; should be nothing."""
        held = {name: self.gone[-1][name] for name in HELD if self.gone[-1][name]}
        kept = self.left_types["pages.visit.state.Visit"] - 1  # but one: see ``counts``
        return held | ({"Visit objects": kept} if kept > 0 else {})


def soak(
    *,
    visitors: int,
    warm_up_s: float,
    seconds: float,
    seed: int,
    patience: Patience,
    rounds: int = 1,
) -> Soak:
    """Have so many people come and go for a while, and all go away, several times.

    What they do at first warms up. How much is held while people are here depends on what they do
    just then; what is there when all have gone does not.

    Raises:
        RuntimeError: If one of them met an error.
    """
    with tempfile.TemporaryDirectory(prefix="soak") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        with app_process(
            folder,
            module="tests.soak.served",
            SOAK_DOOR=str(folder / "door"),
            SOAK_DOWNLOAD_S=str(patience.download_s),
            TMPDIR=str(folder / "tmp"),
            TL_VISIT_TIMEOUT_S=str(patience.away_s),
            TL_VISIT_RESUME_S=str(patience.forgotten_s),
            # Small, so that they are full, and let go of as much as they take, within minutes
            TL_ACTIVATION_MEMORY_MB="16",
            TL_ANSWER_MEMORY_MB="2",
            TL_PHOTO_MEMORY_MB="64",
            TL_PROCESS_MEMORY_MB="1200",
            ONEDNN_PRIMITIVE_CACHE_CAPACITY="256",  # else 1,024: 70 MB more over half an hour
            STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(patience.session_s),
        ) as app:
            found = Soak()
            for number in range(rounds + 1):
                stay_s = seconds / rounds if number else warm_up_s
                looks, did = _come_and_go(app, visitors, stay_s, f"{seed} {number}")
                found.gone.append(_when_all_are_gone(app))
                if number:
                    found.looks += looks
                    found.did += did
                else:
                    found.quiet_types.update(ask(app.folder / "door", "types"))
                found.visits.append(found.did["visits"])
                _tell(f"round {number} of {rounds}, {found.did['visits']} visits: all are gone")
            found.left_types.update(ask(app.folder / "door", "types"))
        found.log = app.log
    return found


def look(app: AppProcess) -> Look:
    """Everything that is counted, inside the app and from outside."""
    process = psutil.Process(app.process.pid)
    memory = process.memory_full_info()
    found = ask(app.folder / "door", "counts")
    files = [file for file in app.folder.rglob("*") if file.is_file()]
    return found | {
        "RSS MB": memory.rss / 2**20,
        "USS MB": memory.uss / 2**20,
        "threads": process.num_threads() - found["threads of pools"],
        "file handles": process.num_fds(),
        "files": len(files),
        "unfinished files": sum(file.suffix in UNFINISHED for file in files),
        "temporary files": sum(1 for _ in (app.folder / "tmp").rglob("*")),
    }


def _come_and_go(
    app: AppProcess, visitors: int, seconds: float, seed: str
) -> tuple[list[Look], Counter[str]]:
    """Look at the app every few seconds meanwhile; return that, and what the visitors did."""
    people = [Passer(app.url, seed=f"{seed} {number}") for number in range(visitors)]
    for person in people:
        person.come()
    with Visitor(app.url).open():
        pass  # so that there is a lab to look into
    begin, pause = time.monotonic(), threading.Event()
    looks = []
    while time.monotonic() - begin < seconds:
        looks.append(look(app))
        pause.wait(_LOOK_EVERY_S)
    _tell(f"the doors close after {seconds:.0f} s; who waits for something takes it along")
    for person in people:
        person.left.set()
    did: Counter[str] = Counter()
    for person in people:
        person.leave()
        did += person.did
    return looks, did


def _when_all_are_gone(app: AppProcess) -> Look:
    """The first look at which nothing is held for anybody, or the last if there is none."""
    end = time.monotonic() + _ALL_GONE_S
    seen = look(app)
    while any(seen[name] for name in HELD) and time.monotonic() < end:
        time.sleep(1)
        seen = look(app)
    return seen


def _tell(what: str) -> None:
    """An hour is long: say where the soak is."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
