"""The handler that changes photographs, within epsilon, until a network sees something else."""

import math
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TypeAlias

from PIL import Image
from torch import Tensor

from tl_core.backbones.ranking import top_classes
from tl_core.context import Context, fitted
from tl_core.engine.job import Job
from tl_core.errors import UserError
from tl_core.imageopt.attack.batch import Array, Attacks, Attempt, look, read_back
from tl_core.imageopt.attack.goals import aim_of
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.shared import Place, SharedRunner
from tl_core.images.codec import encode_png
from tl_core.images.compare import gap
from tl_core.specs import Answer, Attack, AttackSnapshot

PUBLISH_S = 0.3  # between live pictures
SETTINGS = "settings"  # keyword of the settings inside a saved picture
Fetched: TypeAlias = tuple[Array, bytes]  # the photograph as the network sees it, and as PNG
Saved: TypeAlias = tuple[AttackSnapshot, list[Array]]  # and what each network sees of the file


@dataclass(eq=False, kw_only=True)
class Stand(Place):
    """A job with its attempt, and what its photograph was before."""

    attempt: Attempt
    original: bytes  # PNG
    before: tuple[Answer, ...]
    encoding: Future[Saved] | None = None
    is_last: bool = False  # whether ``encoding`` is of the result


class AttackRunner(SharedRunner[Stand]):
    """Attacks on the same networks; each ends with its own success or its own last step.

    What a picture is seen as is asked of the file, saved and read back.
    """

    attacks: Attacks

    def __init__(self, context: Context, spec: Attack) -> None:
        super().__init__(context, (spec.backbone, *spec.also))

    def open(self) -> Batch:
        """The attempts' own batch."""
        self.attacks = Attacks(self.backbones)
        return self.attacks.batch

    def fetch(self, job: Job) -> Fetched:
        """The photograph at the first network's input size."""
        original = fitted(self.context.photos, _spec(job).photo, self.backbones[0])
        return original, encode_png(original)

    def welcome(self, job: Job, fetched: Fetched) -> Stand:
        """An attempt at what the spec means for this photograph."""
        original, png = fetched
        spec, logits = _spec(job), self.attacks.answer(original).tolist()
        return Stand(
            job=job,
            attempt=self.attacks.attempt(spec, original, aim_of(spec, logits)),
            original=png,
            before=top_classes(logits, self.backbones[0].classes, 5),
        )

    def sit(self, place: Stand) -> None:
        """Let the attempt go on, unless only its last picture is missing."""
        if not place.attempt.is_over:
            self.attacks.join(place.attempt)

    def leave(self, place: Stand) -> None:
        """Take the attempt out, unless it has ended."""
        if place.attempt.slot in self.attacks.attempts:
            self.attacks.remove(place.attempt)

    def step(self) -> None:
        """Advance every attempt, by the controls as they are now."""
        acting = [stand for stand in self.seats.values() if not stand.attempt.is_over]
        for stand in acting:
            current = _spec(stand.job, is_current=True)
            if current != stand.attempt.spec:
                with self.sparing_others(stand.job):
                    self.attacks.move(stand.attempt, current)
        acting = [stand for stand in acting if stand.job in self.seats]
        if not acting:
            return
        try:
            self.attacks.step()
        except UserError as error:
            for stand in acting:
                self.fail(stand.job, error)
            return
        for stand in acting:
            if stand.attempt.error is not None:
                self.fail(stand.job, stand.attempt.error)
            elif not math.isfinite(stand.attempt.probability):
                self.fail(stand.job, _nan(stand.attempt.steps_done))

    # -- showing ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Publish what was saved, finish what was the last, and save what is due."""
        saved = [s for s in self.seats.values() if s.encoding is not None and s.encoding.done()]
        self._show([stand for stand in saved if not stand.is_last])
        for stand in [stand for stand in saved if stand.is_last]:
            self._show([stand])  # alone: its figures may not depend on company
            if stand.job in self.seats:
                self.end(stand.job)
                stand.job.finish(stand.job.snapshot)
        now = time.monotonic()
        for stand in list(self.seats.values()):
            if stand.encoding is None and (stand.attempt.is_over or now >= stand.due_at):
                with self.sparing_others(stand.job):
                    self._save(stand)
                    stand.due_at = now + PUBLISH_S

    def _save(self, stand: Stand) -> None:
        attempt = stand.attempt
        stand.is_last = attempt.is_over
        draft = AttackSnapshot(
            step=attempt.steps_done,
            steps=attempt.steps,
            original=stand.original,
            before=stand.before,
            goal=attempt.aim.classes,
            first_success=attempt.first_success,
            epsilon=attempt.spec.epsilon,
            queries=attempt.queries,
            history=tuple(attempt.history),
            settings=attempt.spec.to_json(),
        )
        text = {SETTINGS: draft.settings} if stand.is_last else {}
        stand.encoding = self.context.pool.submit(
            self._saved, draft, attempt.picture, attempt.original, text
        )

    def _saved(
        self, draft: AttackSnapshot, picture: Array, original: Array, text: dict[str, str]
    ) -> Saved:
        """Save, read back and measure, in the pool."""
        png = encode_png(picture, text)
        read = read_back(png)
        seen = [look(backbone, Image.fromarray(read)) for backbone in self.backbones]
        return replace(draft, picture=png, gap=gap(original, read)), seen

    def _show(self, stands: Sequence[Stand]) -> None:
        """Ask the networks about saved pictures, all in one pass, and publish them."""
        saved: dict[Stand, Saved] = {}
        for stand in stands:
            encoding, stand.encoding = stand.encoding, None
            if encoding is not None:
                with self.sparing_others(stand.job):
                    saved[stand] = encoding.result()
        if not saved:
            return
        found = [
            self.attacks.answers([seen[index] for _, seen in saved.values()], index).cpu()
            for index in range(len(self.backbones))
        ]
        for row, (stand, (draft, _seen)) in enumerate(saved.items()):
            with self.sparing_others(stand.job):
                stand.job.publish(self._judged(stand, draft, [its[row] for its in found]))

    def _judged(
        self, stand: Stand, draft: AttackSnapshot, answers: Sequence[Tensor]
    ) -> AttackSnapshot:
        aim = stand.attempt.aim
        return replace(
            draft,
            after=top_classes(answers[0].tolist(), self.backbones[0].classes, 5),
            probability=aim.probability(answers[0]),
            is_fooled=all(aim.is_reached(answer) for answer in answers),
            seconds=stand.job.seconds,
        )


def _spec(job: Job, *, is_current: bool = False) -> Attack:
    spec = job.current if is_current else job.spec
    assert isinstance(spec, Attack)  # narrows for the type checker; the batch key brings no other
    return spec


def _nan(step: int) -> UserError:
    return UserError(
        "The network's answer stopped being numbers at step {step}. Choose another method or "
        "network.",
        step=step,
    )
