"""The handler that makes an attack as small as it can: fewest levels, then fewest values."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tl_core.backbones.ranking import top_classes
from tl_core.context import Context, fitted, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Sliced
from tl_core.imageopt.attack.batch import Array, Attacks, Attempt, read_back, to_levels
from tl_core.imageopt.attack.goals import aim_of
from tl_core.imageopt.attack.sparse import Thinning
from tl_core.images.codec import encode_png
from tl_core.images.compare import gap
from tl_core.specs import Attack, LevelTrial, SmallestBudget, SmallestSnapshot, Snapshot

DOWN = (8, 6, 4, 3, 2, 1)  # levels, tried until one fails
UP = (16, 32, 64)  # tried where 8 levels do not do
PUBLISH_S = 0.3


def run(job: Job, context: Context) -> Sliced[Snapshot]:
    """Search the smallest budget, showing each one that was tried."""
    spec = job.spec
    assert isinstance(spec, SmallestBudget)  # narrows for the type checker; the lab pairs them
    backbone = yield from context.backbone(spec.backbone)
    original = yield context.pool.submit(fitted, context.photos, spec.photo, backbone)
    search = Search(Attacks([backbone]), original, spec)
    published = 0.0
    for _ in search.levels():
        job.publish(replace(search.found, seconds=job.seconds))
        yield None
    last = time.monotonic()
    for _ in search.values():
        if time.monotonic() - published > PUBLISH_S:
            yield from search.save(context)
            job.publish(replace(search.found, seconds=job.seconds))
            published = time.monotonic()
        if time.monotonic() - last > SLICE_S:
            yield None
            last = time.monotonic()
    yield from search.save(context)
    return replace(search.found, phase="done", seconds=job.seconds)


class Search:
    """One photograph's way to the smallest change; ``found`` says how far it is.

    ``levels`` and ``values`` are to be iterated one after the other; each item is a pause.
    """

    def __init__(self, attacks: Attacks, original: Array, spec: SmallestBudget) -> None:
        self.attacks = attacks
        self.original = original
        self.spec = spec
        self.backbone = attacks.backbones[0]
        logits = attacks.answer(original)
        self.aim = aim_of(spec, logits.tolist())
        self.picture = original  # the smallest success so far
        start = LevelTrial(
            0, self.aim.is_reached(logits), steps=0, probability=self.aim.probability(logits)
        )
        before = top_classes(logits.tolist(), self.backbone.classes, 5)
        self.found = SmallestSnapshot(
            steps=len(DOWN) * spec.steps + spec.value_steps,
            curve=(start,),
            original=encode_png(original),
            picture=encode_png(original),
            before=before,
            after=before,
            probability=start.probability,
            is_fooled=start.is_fooled,
            epsilon=0 if start.is_fooled else None,
            total_values=original.size,
        )

    def levels(self) -> Iterator[None]:
        """Try fewer and fewer levels; or more, where the first are too few."""
        if self.found.is_fooled:
            return
        for epsilon in DOWN:
            yield from self._try(epsilon)
            if self.found.epsilon != epsilon:
                break
        for epsilon in UP:
            if self.found.epsilon is not None:
                break
            yield from self._try(epsilon)

    def values(self) -> Iterator[None]:
        """Move fewer and fewer values by the levels that were found."""
        if not self.found.epsilon or not self.spec.value_steps:
            return
        self._note(phase="values")
        attempt = self._start("sparse", self.found.epsilon, self.spec.value_steps)
        queries = self.found.queries
        while not attempt.is_over:
            self._step(attempt)
            self._note(step=self.found.step + 1, queries=queries + attempt.queries)
            if attempt.found is not None:
                self._offer(to_levels(attempt.found))
            yield
        device = self.attacks.batch.device
        pixels = [pixels_from(array, device) for array in (self.original, self.picture)]
        thinning = Thinning(self.backbone, pixels[0], pixels[1], self.aim)
        while not thinning.is_over:
            before = thinning.queries
            thinning.step()
            self._note(queries=self.found.queries + thinning.queries - before)
            self._offer(to_levels(thinning.original + thinning.change))
            yield

    def save(self, context: Context) -> Sliced[None]:
        """Save the smallest success, read it back, and measure that."""
        png = yield context.pool.submit(encode_png, self.picture)
        read = yield context.pool.submit(read_back, png)
        measured = yield context.pool.submit(gap, self.original, read)
        logits = self.attacks.answer(read)
        self._note(
            picture=png,
            gap=measured,
            after=top_classes(logits.tolist(), self.backbone.classes, 5),
            probability=self.aim.probability(logits),
            is_fooled=self.aim.is_reached(logits),
        )

    def _try(self, epsilon: int) -> Iterator[None]:
        attempt = self._start("pgd", epsilon, self.spec.steps)
        while not attempt.is_over:
            self._step(attempt)
            yield
        picture = attempt.picture
        probability = self.aim.probability(self.attacks.answer(picture))
        trial = LevelTrial(epsilon, attempt.is_fooled, attempt.steps_done, probability)
        curve = sorted((*self.found.curve, trial), key=lambda row: row.epsilon)
        queries = self.found.queries + attempt.queries
        self._note(curve=tuple(curve), queries=queries, step=self.found.step + self.spec.steps)
        if attempt.is_fooled:
            self.picture = picture
            self._note(epsilon=epsilon, picture=encode_png(picture), is_fooled=True)

    def _step(self, attempt: Attempt) -> None:
        self.attacks.step()
        if attempt.error is not None:
            raise attempt.error

    def _start(self, method: str, epsilon: int, steps: int) -> Attempt:
        spec = self.spec
        attack = Attack(
            photo=spec.photo,
            target=spec.target,
            avoid=spec.avoid,
            seed=spec.seed,
            method=method,
            epsilon=epsilon,
            steps=steps,
        )
        return self.attacks.add(attack, self.original, self.aim)

    def _offer(self, picture: Array) -> None:
        """Keep a picture that moves fewer values, if it is still a success when saved."""
        count = int((picture != self.original).sum())
        is_smaller = count < int((self.picture != self.original).sum())
        if is_smaller and self.attacks.is_fooled(picture, self.aim):
            self.picture = picture
            self._note(counts=(*self.found.counts, (self.found.queries, count)))

    def _note(self, **changes: Any) -> None:
        self.found = replace(self.found, **changes)
