"""A class that shows its cameras two things each, and learns, all at the same time."""

import base64
import io
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, ImageOps

from tests.app_process import AppProcess, app_process
from tests.load.guests import Person
from tests.load.scenes import busy_s, share
from tests.websocket_client import Visitor
from tl_core.images.samples import SAMPLES, read

RECORDED = 12  # photographs of a recording
OVER_S = 30.0  # in which both come
AGAIN = 5  # times that one more photograph comes, where somebody is alone
SCENES = (1, 8, 32)
_SIZE = (640, 480)
_LOOK_S = 0.2


@dataclass(frozen=True)
class TeachFigures:
    """What a scene gave."""

    visitors: int
    learned_p50_s: float  # from the last photograph's way to the model that can be tried
    learned_p95_s: float
    again_s: float  # after one more photograph, in the middle; 0 where not measured
    shot_p95_ms: float  # until the page has taken a photograph of a recording
    app_cores: float  # while photographs come
    memory_mb: float  # of the app, at the end
    grown_mb: float

    def line(self) -> str:
        """One row of the table."""
        return " | ".join(
            f"{v:,.2f}" if isinstance(v, float) else str(v) for v in asdict(self).values()
        )


@dataclass
class Pupil(Person):
    """Somebody who records two things, one after the other, and waits for the model."""

    seed: int = 0
    again: int = 0  # photographs that come after that, one by one
    learned_s: float = field(default=0.0, init=False)
    again_s: list[float] = field(default_factory=list, init=False)
    shots_s: list[float] = field(default_factory=list, init=False, repr=False)

    def visit(self, visitor: Visitor) -> None:
        """Record, wait, and show single photographs after that."""
        visitor.open("teach")
        begun_at, number = time.monotonic(), 0
        for box in (0, 1):
            for shot in range(RECORDED):
                number += 1
                due = begun_at + OVER_S * number / (2 * RECORDED)
                self.left.wait(max(due - time.monotonic(), 0))
                self._show(visitor, box, number, is_held=shot < RECORDED - 1)
        self.learned_s = self.shots_s[-1] + self._wait_until_learned(visitor)
        for place in range(self.again):
            self._show(visitor, 0, number + 1 + place, is_held=False)
            self.again_s.append(self.shots_s[-1] + self._wait_until_learned(visitor))

    def _show(self, visitor: Visitor, box: int, number: int, *, is_held: bool) -> None:
        data = base64.b64encode(shot(self.seed, box, number)).decode()
        photo = {"number": number, "name": "", "data": data, "burst": box}
        message = {"number": number, "photos": [photo], "held": is_held}
        begun_at = time.monotonic()
        visitor.tell_component(f"photos_{box}", "sent", message)
        self.shots_s.append(time.monotonic() - begun_at)

    def _wait_until_learned(self, visitor: Visitor) -> float:
        """Poll as a browser does, until the bar says that trying comes next."""
        begun_at = time.monotonic()
        while not is_learned(visitor):
            time.sleep(_LOOK_S)
            visitor.poll(at_most_s=2)
            if time.monotonic() > begun_at + visitor.timeout_s:
                raise TimeoutError(f"nothing was learned; the page says {visitor.texts}")
        return time.monotonic() - begun_at


def is_learned(visitor: Visitor) -> bool:
    """Whether the page that was drawn last has a model, and learns nothing now."""
    for text in visitor.texts:
        if '"panes"' in text:
            bar: dict[str, Any] = json.loads(text)
            learn = next(pane for pane in bar["panes"] if pane["key"] == "learn")
            return bar["next"] == "try" and "…" not in learn["state"]
    return False


def shot(seed: int, box: int, number: int) -> bytes:
    """A photograph of the gallery as a camera sees it that is moved: no two are equal."""
    sample = SAMPLES[(2 * seed + box) % len(SAMPLES)]
    with Image.open(io.BytesIO(read(sample.key))) as photo:
        turned = photo.convert("RGB").rotate(3 * (number % 7) - 9 + seed / 10, fillcolor="gray")
    out = io.BytesIO()
    ImageOps.fit(turned, _SIZE).save(out, "JPEG", quality=90)
    return out.getvalue()


def main(root: Path) -> int:
    """Print a row for each number of visitors."""
    print(" | ".join(TeachFigures.__annotations__))
    for count in SCENES:
        with tempfile.TemporaryDirectory() as folder, app_process(Path(folder), root=root) as app:
            print(play(app, count).line(), flush=True)
            if app.has_failed():
                return 1
    return 0


def play(app: AppProcess, count: int) -> TeachFigures:
    """Have so many come at once, and stay until each has learned."""
    first = Pupil(app.url, seed=99)  # loads networks and modules
    first.come()
    first.leave()
    pupils = [Pupil(app.url, seed=seed, again=AGAIN if count == 1 else 0) for seed in range(count)]
    process = psutil.Process(app.process.pid)
    memory_mb = process.memory_info().rss / 2**20
    begin, busy = time.monotonic(), busy_s(process)
    for pupil in pupils:
        pupil.come()
    time.sleep(OVER_S)
    cores = (busy_s(process) - busy) / (time.monotonic() - begin)
    for pupil in pupils:
        pupil.leave()
    memory_then_mb = process.memory_info().rss / 2**20
    learned = [pupil.learned_s for pupil in pupils]
    again = [seconds for pupil in pupils for seconds in pupil.again_s]
    shots = [seconds for pupil in pupils for seconds in pupil.shots_s]
    return TeachFigures(
        count,
        share(learned, 50),
        share(learned, 95),
        statistics.median(again) if again else 0.0,
        1000 * share(shots, 95),
        cores,
        memory_then_mb,
        memory_then_mb - memory_mb,
    )
