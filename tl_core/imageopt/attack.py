"""The workroom that changes a photograph, within epsilon, until a network sees something else."""

import time
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.ranking import best
from tl_core.engine.job import Job
from tl_core.engine.runner import SLICE_S, Work
from tl_core.errors import UserError
from tl_core.imageopt.attack_aims import Aim, aim_of
from tl_core.imageopt.attack_batch import Array, Attacks, Attempt, read_back
from tl_core.images.codec import encode_png
from tl_core.images.compare import gap
from tl_core.specs import Attack, AttackSnapshot, Goal
from tl_core.toolbox import Toolbox, fitted

PUBLISH_S = 0.3  # between live pictures
SETTINGS = "settings"  # keyword of the settings inside a saved picture


def run(job: Job, toolbox: Toolbox) -> Work:
    """Attack one photograph; controls moved during the run act from the next step on."""
    spec = job.spec
    assert isinstance(spec, Attack)  # narrows for the type checker; the lab pairs them
    backbones = yield from networks(toolbox, spec.backbone, spec.also)
    original = yield toolbox.pool.submit(fitted, toolbox.album, spec.photo, backbones[0])
    attacks = Attacks(backbones)
    scene = Scene(attacks, original, spec)
    attempt = attacks.add(spec, original, scene.aim)
    published = 0.0
    while not attempt.is_over:
        slice_end = time.monotonic() + SLICE_S
        while not attempt.is_over and time.monotonic() < slice_end:
            current = job.current
            assert isinstance(current, Attack)  # narrows for the type checker
            if current != attempt.spec:
                attacks.move(attempt, current)
            attacks.step()
        if not attempt.is_over and time.monotonic() - published > PUBLISH_S:
            job.publish((yield from scene.snapshot(toolbox, attempt, job.seconds)))
            published = time.monotonic()
        yield None
    return (yield from scene.snapshot(toolbox, attempt, job.seconds))


def networks(
    toolbox: Toolbox, first: str, also: tuple[str, ...]
) -> Generator[Future[Any] | None, Any, list[Backbone]]:
    """Load the networks that are attacked together.

    Raises:
        UserError: If one is not there, or they know different classes.
    """
    found = []
    for key in dict.fromkeys((first, *also)):
        found.append((yield from toolbox.backbone(key)))
    if any(backbone.classes != found[0].classes for backbone in found):
        raise UserError(
            "Networks that know different classes cannot be attacked together. "
            "Choose networks that were trained on the same classes."
        )
    return found


class Scene:
    """What stays the same during one attack: the photograph, what it was, what it shall become."""

    def __init__(self, attacks: Attacks, original: Array, goal: Goal) -> None:
        self.attacks = attacks
        self.original = original
        self.classes = attacks.backbones[0].classes
        logits = attacks.answer(original).tolist()
        self.before = best(logits, self.classes, 5)
        self.aim: Aim = aim_of(goal, logits)
        self.original_png = encode_png(original)

    def snapshot(
        self, toolbox: Toolbox, attempt: Attempt, seconds: float
    ) -> Generator[Future[Any] | None, Any, AttackSnapshot]:
        """Save the picture as it is now, read it back, and say what it is."""
        settings = attempt.spec.to_json()
        text = {SETTINGS: settings} if attempt.is_over else None
        png = yield toolbox.pool.submit(encode_png, attempt.picture, text)
        read = yield toolbox.pool.submit(read_back, png)
        measured = yield toolbox.pool.submit(gap, self.original, read)
        answers = [self.attacks.answer(read, i).cpu() for i in range(len(self.attacks.backbones))]
        return AttackSnapshot(
            step=attempt.steps_done,
            steps=attempt.steps,
            picture=png,
            original=self.original_png,
            before=self.before,
            after=best(answers[0].tolist(), self.classes, 5),
            goal=self.aim.classes,
            probability=self.aim.probability(answers[0]),
            is_fooled=all(self.aim.is_reached(answer) for answer in answers),
            first_success=attempt.first_success,
            epsilon=attempt.spec.epsilon,
            gap=measured,
            queries=attempt.queries,
            seconds=seconds,
            history=tuple(attempt.history),
            settings=settings,
        )
