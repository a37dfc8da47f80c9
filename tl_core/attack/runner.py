"""Attacks on photographs: what one starts with, takes in at each step, and counts as a success.

A step itself is in ``imageopt.step``, what an attack may change in ``constraints``.
"""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from PIL import Image
from torch import Tensor

from tl_core.attack.constraints import L2Ball, LinfBox, blurred, l1_normalised, l2_normalised
from tl_core.attack.sparse import L0Set
from tl_core.attack.success import (
    ClassGoal,
    answer,
    answers,
    goal_of,
    is_fooled,
    novelty,
    saved_answers,
)
from tl_core.attack.transforms import random_transforms
from tl_core.backbones.backbone import Backbone
from tl_core.classify.ranking import top_classes
from tl_core.context import Context, fitted, pixels_from
from tl_core.engine.job import Job
from tl_core.errors import UserError
from tl_core.imageopt.eight_bit import array_from
from tl_core.imageopt.member import AnyMove, Member
from tl_core.imageopt.optimisers import UPDATE_RULES
from tl_core.imageopt.reductions import length_of_each
from tl_core.imageopt.runner import BatchRunner
from tl_core.imageopt.slot import Augmentation, Objective, Slot, TensorMap, Update, fresh_state
from tl_core.images.compare import gap
from tl_core.images.decode import read_back
from tl_core.images.encode import SETTINGS_KEY, encode_png
from tl_core.images.photo import PhotoArray
from tl_core.machine.device import no_memory_skips
from tl_core.specs.attack import Attack, AttackSnapshot
from tl_core.specs.attack_methods import AttackMethod
from tl_core.specs.base import Spec
from tl_core.specs.classify import Answer, Novelty
from tl_core.specs.recipe import ZERO

_MOST_UNREAD = 8  # steps after which a GPU is waited for, to see whether the goal is reached
LIMITS: dict[str, type[LinfBox]] = {"linf": LinfBox, "l2": L2Ball, "l0": L0Set}


@dataclass(eq=False, kw_only=True)
class AttackMember(Member):
    """An attack: its slot, and what it has found so far."""

    spec: Attack
    controls: Attack = field(init=False)
    original: PhotoArray  # the photograph at the first backbone's input size, uint8 (S, S, 3)
    goal: ClassGoal
    backbones: Sequence[Backbone]
    slot: Slot = field(init=False)
    limit: LinfBox = field(init=False)
    original_png: bytes = b""
    before: tuple[Answer, ...] = ()  # to the photograph
    novelty_before: Novelty | None = None
    found: Tensor | None = None  # the best picture that reached the goal, (1, 3, S, S)
    found_probability: float = 0.0  # of the goal in it
    latest: Tensor | None = None  # the latest picture at all
    first_success: int | None = None
    first_confident: int | None = None
    steps_done: int = 0
    probability: float = 0.0
    queries: int = 0
    is_fooled: bool = False  # known once it is done
    answers: list[Tensor] = field(default_factory=list)  # to the live picture, if asked already
    is_done: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        pixels = pixels_from(self.original, self.backbones[0].device)
        self._start(pixels, pixels)

    def _start(self, original: Tensor, now: Tensor) -> None:
        """Go on in a fresh slot from ``now``; both are pixels (1, 3, S, S)."""
        spec, row, goal = self.controls, self.controls.row, self.goal
        self.limit = LIMITS[row.norm](original, spec.epsilon)
        parameterisation = self.limit.parameterisation
        count = len(self.backbones[0].classes)
        self.slot = Slot(
            parameterisation=parameterisation,
            state=fresh_state(self.limit(parameterisation.encode(now))),
            seed=spec.seed,
            steps=min(spec.steps, row.max_steps),
            objective=Objective(
                goal.weights(count, original.device),
                terms={name: ramp.times(goal.sign) for name, ramp in row.terms} | {"margin": ZERO},
                tv_weight=row.smoothness * 255,
                tv_reference=original if row.smoothness else None,
            ),
            augmentation=Augmentation(
                affine=row.affine, transform=random_transforms if row.uses_transforms else None
            ),
            update=Update(
                UPDATE_RULES[row.optimiser],
                self.limit.step_unit * row.step_share,
                ramp=row.rate,
                gradient_map=_gradient_map(row),
                constraint=self.limit,
                adapt=None if row.norm == "linf" else self._adapt,
            ),
        )

    @property
    def picture(self) -> PhotoArray:
        """The picture to save: the best that reached the goal, or else the latest; uint8."""
        pixels = (
            self.latest if self.found is None or self.controls.row.keeps == "end" else self.found
        )
        return self.original if pixels is None else array_from(pixels)

    def read(self, step: int, figures: Mapping[str, float], pixels: Tensor) -> None:
        """Take in what the networks said of ``pixels``; done once they are sure, or at the end."""
        if self.is_done:
            return  # a step that was taken before anybody knew
        probability, margin = figures["probability"], self.goal.sign * figures["margin"]
        self.probability = probability if self.goal.is_targeted else 1 - probability
        self.is_finite = math.isfinite(self.probability)
        self.steps_done, self.latest = step, pixels
        self.queries += self.slot.views * len(self.backbones)
        is_reached = margin < 0
        is_sure = is_reached and self.probability >= self.controls.confidence
        self.add_row(step, self.probability, margin)
        if is_reached and self._is_better(pixels):
            self.found = pixels.clone()  # a view would keep the whole batch in memory
            self.found_probability = self.probability
        if is_reached and self.first_success is None:
            self.first_success = step
        if is_sure and self.first_confident is None:
            self.first_confident = step
        if (is_sure and self.controls.row.keeps == "first") or step >= self.slot.steps:
            self.conclude()

    def conclude(self) -> None:
        """Believe the saved file only; where it is not sure enough, go on while there are steps."""
        goal, logits = self.goal, saved_answers(self.backbones, self.picture)
        is_last = self.steps_done >= self.slot.steps
        self.is_fooled = all(goal.is_reached(of_one) for of_one in logits)
        is_sure = self.is_fooled and all(
            goal.probability(of_one) >= self.controls.confidence for of_one in logits
        )
        if not is_sure:
            self.first_confident = None
        if not self.is_fooled:
            self.found = None
            self.is_fooled = is_last and is_fooled(self.backbones, self.picture, goal)
        self.is_done = is_sure or is_last

    def take(self, moves: Sequence[AnyMove], current: Spec) -> None:
        """Go on with other settings from the picture as it is now, in a new slot."""
        step, original, confidence = self.slot.step, self.limit.original, self.controls.confidence
        super().take(moves, current)
        if self.controls.confidence != confidence:
            self.first_confident = None
        self._start(original, original if self.latest is None else self.latest)
        self.slot.step = min(step, self.slot.steps)
        if self.found is not None and bool((self.limit(self.found) != self.found).any()):
            self.found = None  # outside the new limit

    def _adapt(self, figures: Mapping[str, Tensor]) -> None:
        """Let the set follow success, as ``read`` will see it."""
        probability, margin = figures["probability"], self.goal.sign * figures["margin"]
        probability = probability if self.goal.is_targeted else 1 - probability
        self.limit.adapt((margin < 0) & (probability >= self.controls.confidence))

    def _is_better(self, pixels: Tensor) -> bool:
        if self.found is None:
            return True
        return self._rank(pixels, self.probability) >= self._rank(
            self.found, self.found_probability
        )

    def _rank(self, pixels: Tensor, probability: float) -> tuple[bool, float]:
        """How good a picture with the goal on top is: sure ones first, then as the method says."""
        keeps, is_sure = self.controls.row.keeps, probability >= self.controls.confidence
        if keeps == "first" or not is_sure:
            return is_sure, probability
        return is_sure, -self._size(pixels) if keeps == "shortest" else 0.0

    def _size(self, pixels: Tensor) -> float:
        change = pixels - self.limit.original
        is_count = self.controls.row.norm == "l0"
        return float((change != 0).sum() if is_count else length_of_each(change))


def _gradient_map(row: AttackMethod) -> TensorMap:
    if row.norm == "linf" and not row.is_l1_normalised:
        return partial(blurred, sigma=row.blur)
    return partial(_normalised, l1_normalised if row.norm == "linf" else l2_normalised, row.blur)


def _normalised(normalise: TensorMap, sigma: float, gradient: Tensor) -> Tensor:
    return normalise(blurred(gradient, sigma))


class AttackRunner(BatchRunner[Attack, AttackMember]):
    """Attacks on the same networks.

    Runs in fp32: whether the goal was reached is decided where the answer on a page is.
    """

    def __init__(self, context: Context, spec: Attack) -> None:
        super().__init__(context, (spec.backbone, *spec.also), "fp32")
        self._most_unread = 1 if context.device.type == "cpu" else _MOST_UNREAD

    def fetch(self, spec: Attack) -> tuple[PhotoArray, bytes]:
        """The photograph at the first network's input size, also as PNG."""
        original = fitted(self.context.photos, spec.photo, self.backbones[0].row)
        return original, encode_png(original)

    def admit(self, spec: Attack, fetched: tuple[PhotoArray, bytes]) -> AttackMember:
        """An attack on what the first network sees in this photograph."""
        original, png = fetched
        logits = answer(self.backbones[0], Image.fromarray(original)).tolist()
        return AttackMember(
            spec=spec,
            original=original,
            goal=goal_of(spec, logits),
            backbones=self.backbones,
            original_png=png,
            before=top_classes(logits, self.backbones[0].classes, 5),
            novelty_before=novelty(self.backbones[0], Image.fromarray(original)),
        )

    def apply_controls(self, member: AttackMember, current: Attack) -> None:
        """Go on with other settings, where a control is moved at this step."""
        moves = member.moves_now(current)
        if moves:
            self.read_and_check()  # the steps that the old settings have taken
        if moves and not member.is_done and member.slot in self.batch.slots:
            self.batch.leave(member.slot)
            member.take(moves, current)
            self.batch.join(member.slot)

    def not_a_number(self, member: AttackMember) -> UserError:
        """What to say of an attack that is not finite."""
        return UserError(
            "At step {step}, the network's output was no longer a valid number. Choose another "
            "method or network.",
            step=member.steps_done,
        )

    def prepare(self, due: Sequence[AttackMember]) -> None:
        """Ask each network about all live pictures in one pass; results are asked about alone."""
        live = [member for member in due if not member.is_done]
        if len(live) > 1:
            photos = [Image.fromarray(member.picture) for member in live]
            with no_memory_skips(), suppress(UserError):  # then each draft asks for itself
                found = [
                    answers(backbone, photos, at_once=self.batch.limit)
                    for backbone in self.backbones
                ]
                for row, member in enumerate(live):
                    member.answers = [logits[row] for logits in found]

    def draft(self, job: Job[Attack], member: AttackMember) -> tuple[AttackSnapshot, PhotoArray]:
        """What the networks say of the picture; a PNG holds each of its values."""
        member.due_at = time.monotonic() + self.context.poll_s()
        picture, goal = member.picture, member.goal
        photo, found, member.answers = Image.fromarray(picture), member.answers, []
        speed = member.pace(self.batch.advanced)
        found = found or [answer(backbone, photo) for backbone in self.backbones]
        snapshot = AttackSnapshot(
            step=member.steps_done,
            steps=member.slot.steps,
            original=member.original_png,
            before=member.before,
            after=top_classes(found[0].tolist(), self.backbones[0].classes, 5),
            novelty_before=member.novelty_before,
            novelty_after=novelty(self.backbones[0], photo),
            goal=goal.classes,
            probability=goal.probability(found[0]),
            is_fooled=all(goal.is_reached(logits) for logits in found),
            first_success=member.first_success,
            first_confident=member.first_confident,
            epsilon=member.controls.epsilon,
            queries=member.queries,
            seconds=job.seconds,
            steps_per_s=speed,
            batch_size=member.batch_size,
            history=tuple(member.history),
            settings=replace(member.spec, moves=tuple(member.moves)).to_json(),
        )
        return snapshot, picture

    def encode(
        self, member: AttackMember, draft: AttackSnapshot, picture: PhotoArray
    ) -> AttackSnapshot:
        """The draft with the picture saved as PNG, read back and measured."""
        png = encode_png(picture, {SETTINGS_KEY: draft.settings} if member.is_last else {})
        return replace(draft, picture=png, gap=gap(member.original, read_back(png)))
