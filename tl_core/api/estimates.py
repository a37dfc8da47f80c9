"""How fast runs go, and so how long pictures would take that are begun now."""

import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from functools import partial

from tl_core.backbones.catalogue import BackboneRow
from tl_core.engine.batching import step_times
from tl_core.engine.job import Job, JobState
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classification
from tl_core.specs.training import FineTune

_RUNS = 6  # whose speeds say how much it varies
_LEAST_GFLOPS = 0.01  # raw pixels have none, and yet take time
# multiply-adds a second, in billions, before a run has shown better: by family on a CPU, where
# depthwise convolutions wait for memory; on a GPU
_CPU_GIGA = {"VGG": 35.0, "ResNet": 20.0}
_DEPTHWISE_GIGA, _GPU_GIGA = 4.5, 100.0
# forward passes that take as long as a step, forward and backward: 2 to 3.5 measured
_LOOKS_A_STEP = 3.0
_LAST_BLOCK_LOOKS = 1.5  # for a photograph, where only the last block goes backward


# of runs those that would share a worker with a spec
Beside = Callable[[Spec, Sequence[Job]], Sequence[Job]]


class Estimates:
    """Follows the runs under way; thread-safe.

    Pictures of one batch advance together. How long their step takes is measured for each network,
    kind of run and size of batch. Between sizes, a step of n pictures is taken for n ** 0.75 times
    one of a single picture on a CPU (up to 8 pictures), for as long as one on a GPU (up to 32).
    For a network on which nothing ran, a guess from its fastest answer so far, or else from its
    size, is corrected by how far off it was for the newest run on another.
    """

    def __init__(self, *, on_cpu: bool, beside: Beside = lambda _spec, runs: runs) -> None:
        self._on_cpu = on_cpu
        self._beside = beside
        self._runs: list[tuple[Job, BackboneRow]] = []
        # seconds of a step, by row, kind of run and pictures in the batch
        self._measured: defaultdict[str, dict[str, dict[int, float]]] = defaultdict(dict)
        self._look_s: dict[str, float] = {}  # the fastest forward pass, by row
        # of the newest runs that are over, seconds of a step with one picture, by row
        self._newest: defaultdict[str, deque[float]] = defaultdict(partial(deque, maxlen=_RUNS))
        self._guess_factor = 1.0  # the newest of these through its guess
        self._lock = threading.Lock()

    def follow(self, job: Job, row: BackboneRow) -> None:
        """Take a new run into account until it is over; then it is dropped, with its pictures."""
        with self._lock:
            self._runs.append((job, row))
        job.when_over(self._let_go)

    def follow_look(self, job: Job, row: BackboneRow) -> None:
        """Learn from a classification how long a forward pass takes, once it is over."""
        job.when_over(partial(self._note_look, row.key))

    def look_s(self, key: str) -> float:
        """The fastest forward pass of a catalogue's network so far, in seconds; else infinity."""
        with self._lock:
            return self._look_s.get(key, math.inf)

    def spread(self, key: str) -> tuple[float, float]:
        """The fastest and the slowest step of the newest runs on a network, through the last."""
        with self._lock:
            steps_s = self._newest[key] or [1.0]
            return min(steps_s) / steps_s[-1], max(steps_s) / steps_s[-1]

    def seconds(self, specs: Sequence[tuple[Spec, BackboneRow]]) -> float:
        """The time for all these runs, beside what is under way now; paused runs do not count.

        Others in the same batch cost their share of its steps. All other runs take turns with
        these, so that each holds them up by no more than what it has left or what they take.
        """
        others = [run for run in self.under_way() if run[0].state is not JobState.PAUSED]
        if specs:
            together = self._beside(specs[0][0], [job for job, _ in others])
            others = [run for run in others if run[0] in together]
        mine: defaultdict[Hashable, list[tuple[Spec, BackboneRow]]] = defaultdict(list)
        for spec, row in specs:
            mine[spec.batch_key or spec].append((spec, row))
        own_s = 0.0
        for key, group in mine.items():
            steps = [_steps(spec) for spec, _ in group]
            in_batch = [min(_left(job), max(steps)) for job, _ in others if _key(job) == key]
            own_s += self._batch_s([*steps, *in_batch], *group[0])
        apart = [(job, row) for job, row in others if _key(job) not in mine]
        return own_s + sum(min(self._left_s(job, row, apart), own_s) for job, row in apart)

    def training_s(self, spec: FineTune, row: BackboneRow, train: int, validation: int) -> float:
        """About how long it takes alone to train on so many photographs and look at the others.

        By the time for one photograph; what a head learns from features takes next to nothing.
        """
        mode = spec.mode_row
        if mode.start == "pixels":
            return 0.0
        looks = float(train + validation)
        if mode.unfrozen == "head":
            looks *= 1 if spec.augmentation == "none" else spec.chosen_epochs
        else:
            each = _LAST_BLOCK_LOOKS if mode.unfrozen == "last block" else _LOOKS_A_STEP
            looks += spec.chosen_epochs * (each * train + validation)
        return looks * self._guess_s(row) / _LOOKS_A_STEP

    def wait_s(self, job: Job) -> float:
        """About how long a queued run waits for its place, while the runs under way take turns.

        One that does not say what it has left is taken for half done.
        """
        going = [run for run in self.under_way() if run[0].state is JobState.RUNNING]
        left_s: defaultdict[Hashable, float] = defaultdict(float)
        for other, row in going:
            left_s[_key(other)] += self._left_s(other, row, going) or other.seconds
        if not left_s:
            return 0.0
        ends = [sum(min(left, mine) for left in left_s.values()) for mine in left_s.values()]
        rounds, place = divmod(max(job.position - 1, 0), len(ends))
        return rounds * max(ends) + sorted(ends)[place]

    def under_way(self) -> list[tuple[Job, BackboneRow]]:
        """Note how fast the runs are, and return them."""
        with self._lock:
            for job, row in self._runs:
                self._note_speed(job, row)
            return list(self._runs)

    def _let_go(self, over: Job) -> None:
        with self._lock:
            for job, row in self._runs:
                if job is over:
                    self._newest[row.key].extend(self._note_speed(job, row))
            self._runs = [(job, row) for job, row in self._runs if job is not over]

    def _note_look(self, key: str, over: Job) -> None:
        if isinstance(over.snapshot, Classification):
            look_s = over.snapshot.milliseconds / 1000
            with self._lock:
                self._look_s[key] = min(look_s, self._look_s.get(key, look_s))

    def _note_speed(self, job: Job, row: BackboneRow) -> list[float]:
        """Note how fast a run is; return the seconds of a step with one picture, if it says so."""
        speed: float = getattr(job.snapshot, "steps_per_s", 0.0)
        if speed <= 0:
            return []
        size = getattr(job.snapshot, "batch_size", 1)
        kinds = self._measured[row.key]
        kinds.setdefault(type(job.spec).__name__, {})[size] = 1 / speed
        alone_s = 1 / speed / self._times(size)
        self._guess_factor = alone_s / self._guess_s(row)
        return [alone_s]

    def _times(self, count: int) -> float:
        """How many times as long as with one picture a step takes with ``count``."""
        return step_times(count, on_cpu=self._on_cpu)

    def _batch_s(self, steps: Sequence[int], spec: Spec, row: BackboneRow) -> float:
        """Time for pictures with so many steps each: fewer and fewer share a step."""
        seconds, done = 0.0, 0
        for place, end in enumerate(sorted(steps)):
            seconds += (end - done) * self._step_s(spec, row, len(steps) - place)
            done = end
        return seconds

    def _step_s(self, spec: Spec, row: BackboneRow, count: int) -> float:
        """Seconds of a step of so many pictures, from the measured size that is nearest."""
        kinds = self._measured[row.key]
        sizes = kinds.get(type(spec).__name__) or next(iter(kinds.values()), {})
        if not sizes:
            return self._guess_s(row) * self._guess_factor * self._times(count)
        nearest = min(sizes, key=lambda size: abs(math.log(size / count)))
        return sizes[nearest] * self._times(count) / self._times(nearest)

    def _guess_s(self, row: BackboneRow) -> float:
        if row.key in self._look_s:
            return _LOOKS_A_STEP * self._look_s[row.key]
        giga = _CPU_GIGA.get(row.family, _DEPTHWISE_GIGA) if self._on_cpu else _GPU_GIGA
        return max(row.gflops, _LEAST_GFLOPS) / giga

    def _left_s(
        self, job: Job, row: BackboneRow, others: Sequence[tuple[Job, BackboneRow]]
    ) -> float:
        """What a run has left: of a batch its share, of anything else what it says itself."""
        if job.spec.batch_key is not None:
            together = sum(_key(other) == _key(job) for other, _ in others)
            return _left(job) * self._step_s(job.spec, row, together) / together
        left: float | None = getattr(job.snapshot, "seconds_left", None)
        if left is None and job.snapshot is not None and job.snapshot.step:
            left = job.seconds * (job.snapshot.steps / job.snapshot.step - 1)
        return left or 0.0


def _key(job: Job) -> Hashable:
    return job.spec.batch_key or job


def _steps(spec: Spec) -> int:
    return int(getattr(spec, "steps", 0))


def _left(job: Job) -> int:
    return max(_steps(job.spec) - (job.snapshot.step if job.snapshot else 0), 0)
