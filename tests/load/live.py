"""Cameras at once: answers a second and their age, alone and beside runs."""

import itertools
import json
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.app_process import AppProcess, app_process
from tests.camera_frames import frames
from tests.load.guests import Guest, Person
from tests.load.scenes import busy_s, share
from tests.load.teach import is_learned
from tests.websocket_client import Visitor

DRAWN_S = 0.01  # for which a browser draws, cuts and encodes a frame
SCENES = [(1, False), (8, False), (30, False), (0, True), (1, True), (8, True), (30, True)]
TAUGHT_SCENES = [(1, False), (4, False)]
_WARM_UP_S = 3.0
_TRAINED = re.compile(r"FineTune of .*, step (\d+) of \d+, ([\d.]+) s")


@dataclass(frozen=True)
class LiveFigures:
    """What a scene gave."""

    cameras: int
    beside: str
    answers_per_s: float  # of the visitor in the middle
    fewest: float  # of the slowest visitor, as a share of the one in the middle
    p50_ms: float  # from the frame's way to the answer's coming
    p95_ms: float
    ideal_steps_per_s: float  # of four ideal images together
    training_steps_per_s: float
    app_cores: float
    guests_cores: float  # that the guests took from it
    memory_mb: float  # of the app, at the end
    grown_mb: float  # since the scene had begun

    def line(self) -> str:
        """One row of the table."""
        return " | ".join(
            f"{v:,.2f}" if isinstance(v, float) else str(v) for v in asdict(self).values()
        )


@dataclass
class Camera(Person):
    """Somebody with a camera: one frame in flight, the next when the answer has come."""

    network: str = "efficientnet_lite0"
    answers: list[tuple[float, float]] = field(default_factory=list, init=False, repr=False)
    # when each came, and how old it was

    def visit(self, visitor: Visitor) -> None:
        """Be live until they leave."""
        self.switch_on(visitor)
        with live_socket(self.url, visitor.live_token, visitor.live_network) as socket:
            for frame in itertools.cycle(frames()):
                if self.left.wait(DRAWN_S):
                    return
                begun_at = time.monotonic()
                socket.send(frame)
                said = json.loads(socket.recv(timeout=60))
                if "answers" not in said:
                    raise RuntimeError(f"no answer but {said}")
                now = time.monotonic()
                self.answers.append((now, now - begun_at))

    def switch_on(self, visitor: Visitor) -> None:
        """Open the page that the camera is on, and turn it on."""
        visitor.open("backbones", f"backbone={self.network}")
        visitor.set("live", bool_value=True)


@dataclass
class Taught(Camera):
    """Somebody whose own model answers: a new head, taught 500 of the digits."""

    def switch_on(self, visitor: Visitor) -> None:
        """Train it, and ask it."""
        visitor.open("teach", "dataset=digits&mode=head&photos_per_class=50")
        visitor.press("start")
        while not is_learned(visitor):
            time.sleep(0.2)
            visitor.poll(at_most_s=2)
        visitor.set("live", bool_value=True)


@dataclass
class Trainer(Guest):
    """Somebody who trains, and stops that before they leave: the log then says how far it came."""

    page: str = "teach"
    query: str = "dataset=digits&trick_epochs=100&mode=full&photos_per_class=0"

    def visit(self, visitor: Visitor) -> None:
        """Watch, and press Stop at the end."""
        super().visit(visitor)
        visitor.press("stop")


def live_socket(url: str, token: str, network: str = "efficientnet_lite0") -> ClientConnection:
    """The websocket of a visit's camera."""
    address = f"ws://{urlsplit(url).netloc}/live"
    socket = connect(address, origin=Origin(url), max_size=None, proxy=None).__enter__()
    socket.send(json.dumps(wishes(token, network)))
    return socket


def wishes(token: str, network: str, target: int | None = None) -> dict[str, object]:
    """What a browser says first."""
    return {"token": token, "backbone": network, "target": target, "language": "en"}


def main(root: Path, seconds: float, *, is_taught: bool = False) -> int:
    """Print a row for each number of cameras, alone and beside a training and four pictures.

    With ``is_taught`` each has a model of their own, and nothing else runs.
    """
    print(" | ".join(LiveFigures.__annotations__))
    kind = Taught if is_taught else Camera
    for count, has_runs in TAUGHT_SCENES if is_taught else SCENES:
        with tempfile.TemporaryDirectory() as folder, app_process(Path(folder), root=root) as app:
            cameras = [kind(app.url) for _ in range(count)]
            print(_play(app, cameras, seconds, has_runs=has_runs).line(), flush=True)
            if app.has_failed():
                return 1
    return 0


def _play(
    app: AppProcess, cameras: Sequence[Camera], seconds: float, *, has_runs: bool
) -> LiveFigures:
    drawing = [Guest(app.url, query=f"seed={seed}&steps=1024") for seed in range(4)]
    runs = [*drawing, Trainer(app.url)] if has_runs else []
    for run in runs:
        run.come()
    while has_runs and any(run.first_picture_s is None and run.error is None for run in drawing):
        time.sleep(0.1)
    for camera in cameras:
        camera.come()
    while any(not camera.answers and camera.error is None for camera in cameras):
        time.sleep(0.1)
    time.sleep(_WARM_UP_S)
    process, here = psutil.Process(app.process.pid), psutil.Process()
    memory_mb = process.memory_info().rss / 2**20
    begin, busy = time.monotonic(), (busy_s(process), busy_s(here))
    time.sleep(seconds)
    end, busy_then = time.monotonic(), (busy_s(process), busy_s(here))
    memory_then_mb = process.memory_info().rss / 2**20
    for person in [*cameras, *runs]:
        person.leave()
    answers = [[old for at, old in camera.answers if begin <= at <= end] for camera in cameras]
    rates = sorted(len(one) / (end - begin) for one in answers)
    middle = statistics.median(rates) if rates else 0.0
    ages = [old for one in answers for old in one]
    return LiveFigures(
        len(cameras),
        "runs" if has_runs else "nothing",
        middle,
        rates[0] / middle if middle else 0.0,
        1000 * share(ages, 50),
        1000 * share(ages, 95),
        sum(guest.speed(begin, end) for guest in drawing) if has_runs else 0.0,
        _trained(app) if has_runs else 0.0,
        (busy_then[0] - busy[0]) / (end - begin),
        (busy_then[1] - busy[1]) / (end - begin),
        memory_then_mb,
        memory_then_mb - memory_mb,
    )


def _trained(app: AppProcess) -> float:
    """Steps a second of the training, which has ended when its visitor left."""
    for _look in range(100):
        found = _TRAINED.search(app.log)
        if found:
            return int(found[1]) / float(found[2])
        time.sleep(0.1)
    raise RuntimeError("the log says nothing of the training")
