"""The handler that searches the smallest attack: fewest levels, then fewest values."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from PIL import Image
from torch import Tensor

from tl_core.attack.runner import AttackMember
from tl_core.attack.sparse import Thinning
from tl_core.attack.success import answer, goal_of, is_fooled
from tl_core.backbones.backbone import Backbone
from tl_core.classify.ranking import top_classes
from tl_core.context import Context, fitted, pixels_from
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Sliced
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.eight_bit import array_from
from tl_core.images.compare import gap
from tl_core.images.decode import read_back
from tl_core.images.encode import encode_png
from tl_core.images.photo import PhotoArray
from tl_core.specs.attack import Attack, LevelTrial, SmallestBudget, SmallestSnapshot
from tl_core.specs.base import Snapshot

DOWN = (8, 6, 4, 3, 2, 1)  # levels, tried until one fails
UP = (16, 32, 64)  # tried where 8 levels do not do
PUBLISH_S = 0.3


def run(job: Job[SmallestBudget], context: Context) -> Sliced[Snapshot]:
    """Search the smallest budget, showing each one that was tried."""
    spec = job.spec
    backbone = yield from context.backbone(spec.backbone)
    original = yield from context.in_pool(fitted, context.photos, spec.photo, backbone.row)
    search = Search(backbone, original, spec)
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
    """The search for the smallest change of one photograph; ``found`` says how far it is.

    ``levels`` and ``values`` are to be iterated one after the other; each item is a pause.
    """

    def __init__(self, backbone: Backbone, original: PhotoArray, spec: SmallestBudget) -> None:
        self.backbone = backbone
        self.batch = Batch([backbone], "fp32")
        self.original = original
        self.spec = spec
        logits = self._answer(original)
        self.goal = goal_of(spec, logits.tolist())
        self.picture = original  # the smallest success so far
        start = LevelTrial(
            0, self.goal.is_reached(logits), steps=0, probability=self.goal.probability(logits)
        )
        before = top_classes(logits.tolist(), backbone.classes, 5)
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
        attack = self._start("sparse", self.found.epsilon, self.spec.value_steps)
        queries = self.found.queries
        while not attack.is_done:
            self._step(attack)
            self._note(step=self.found.step + 1, queries=queries + attack.queries)
            if attack.found is not None:
                self._offer(array_from(attack.found))
            yield
        device = self.backbone.device
        pixels = [pixels_from(array, device) for array in (self.original, self.picture)]
        thinning = Thinning(self.backbone, pixels[0], pixels[1], self.goal)
        while not thinning.is_over:
            before = thinning.queries
            thinning.step()
            self._note(queries=self.found.queries + thinning.queries - before)
            self._offer(array_from(thinning.original + thinning.change))
            yield

    def save(self, context: Context) -> Sliced[None]:
        """Save the smallest success, read it back, and measure that."""
        png = yield from context.in_pool(encode_png, self.picture)
        read = yield from context.in_pool(read_back, png)
        measured = yield from context.in_pool(gap, self.original, read)
        logits = self._answer(read)
        self._note(
            picture=png,
            gap=measured,
            after=top_classes(logits.tolist(), self.backbone.classes, 5),
            probability=self.goal.probability(logits),
            is_fooled=self.goal.is_reached(logits),
        )

    def _try(self, epsilon: int) -> Iterator[None]:
        attack = self._start("pgd", epsilon, self.spec.steps)
        while not attack.is_done:
            self._step(attack)
            yield
        picture = attack.picture
        probability = self.goal.probability(self._answer(picture))
        trial = LevelTrial(epsilon, attack.is_fooled, attack.steps_done, probability)
        curve = sorted((*self.found.curve, trial), key=lambda row: row.epsilon)
        queries = self.found.queries + attack.queries
        self._note(curve=tuple(curve), queries=queries, step=self.found.step + self.spec.steps)
        if attack.is_fooled:
            self.picture = picture
            self._note(epsilon=epsilon, picture=encode_png(picture), is_fooled=True)

    def _start(self, method: str, epsilon: int, steps: int) -> AttackMember:
        spec = self.spec
        attack = Attack(
            photo=spec.photo,
            target=spec.target,
            avoid=spec.avoid,
            seed=spec.seed,
            method=method,
            epsilon=epsilon,
            steps=steps,
            confidence=0.0,  # the question is what is enough to be on top
        )
        member = AttackMember(
            spec=attack, original=self.original, goal=self.goal, backbones=[self.backbone]
        )
        self.batch.join(member.slot)
        return member

    def _step(self, attack: AttackMember) -> None:
        for _, step, figures, pixels in self.batch.step().of_each():
            attack.read(step, figures, pixels)
        if attack.is_done:
            self.batch.leave(attack.slot)

    def _answer(self, picture: PhotoArray) -> Tensor:
        return answer(self.backbone, Image.fromarray(picture))

    def _offer(self, picture: PhotoArray) -> None:
        """Keep a picture that moves fewer values, if it is still a success when saved."""
        count = int((picture != self.original).sum())
        is_smaller = count < int((self.picture != self.original).sum())
        if is_smaller and is_fooled([self.backbone], picture, self.goal):
            self.picture = picture
            self._note(counts=(*self.found.counts, (self.found.queries, count)))

    def _note(self, **changes: Any) -> None:
        self.found = replace(self.found, **changes)
