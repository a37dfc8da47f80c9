"""The training handler: the five ways to teach a network new classes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.store import OwnModel
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, take
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.specs import FineTune, FineTuneSnapshot, Snapshot
from tl_core.training.data import divide, open_dataset
from tl_core.training.embeddings import Extractor, chunks, embeddings, through_network
from tl_core.training.initial import starting_point
from tl_core.training.inputs import Inputs, Kept, Photographs, Stream, normaliser
from tl_core.training.loop import Best, Course, FlewApart
from tl_core.training.metrics import judge
from tl_core.training.progress import Progress
from tl_core.training.trainable import Student

_CLOUD_PARAMETERS_M = 12.0  # largest network that the hosted copy unfreezes
_READ_BATCH = 32
_CUDA_SHARE = 0.4  # of the GPU's free memory, for photographs that stay there
_PROBE_PHOTOS = 1


def fine_tune(job: Job, context: Context) -> Sliced[Snapshot]:
    """Teach a network the classes of a data set; the model is kept in the store under its owner.

    A run that is cancelled or fails leaves no model.

    Raises:
        UserError: If the data or the network cannot be had, are too large, or training diverges.
    """
    spec = job.spec
    if not isinstance(spec, FineTune):
        raise ValueError(f"expected a FineTune spec, got {type(spec).__name__}")
    first = FineTuneSnapshot(phase="opening the data", mode=spec.mode)
    lesson = _Lesson(job, context, spec, Progress(job, first))
    return (yield from lesson.run())


class _Lesson:
    """One run: opens the data, teaches the head, then what else is unfrozen, and hands it over."""

    def __init__(self, job: Job, context: Context, spec: FineTune, progress: Progress) -> None:
        self.job = job
        self.context = context
        self.spec = spec
        self.progress = progress
        self.dataset: Dataset
        self.train: tuple[Example, ...]
        self.validation: tuple[Example, ...]
        self.unfrozen_accuracy: float | None = None  # at its best
        self.has_flown_apart = False

    def run(self) -> Sliced[Snapshot]:
        """Teach; return the final snapshot. The head is kept where the network did no better."""
        start = yield from self._start()
        yield from self._open_data()
        student, best = None, None
        if self.spec.way.unfrozen == "head" or self._has_head_first():
            student = self._student(start, "head")
            best = yield from self._teach_head(student)
            student.restore(best.state)
        if self.spec.way.unfrozen != "head":
            head = student.head.state_dict() if student else None
            network = self._student(start, self.spec.way.unfrozen)
            if head is not None:
                network.head.load_state_dict(head)
            later = yield from self._teach_unfrozen(network, has_head=best is not None)
            if later is not None and (best is None or later.tested.rank > best.tested.rank):
                student, best = network, later
                student.restore(best.state)
        if student is None or best is None:
            raise ValueError(f"nothing was trained for {self.spec.mode}")
        return self._hand_over(student, best)

    def _has_head_first(self) -> bool:
        return self.spec.head_first and self.spec.way.start == "trained"

    def _start(self) -> Sliced[Backbone]:
        spec, settings = self.spec, self.context.settings
        row = self.context.backbones.row(spec.backbone)
        is_large = row.parameters_m > _CLOUD_PARAMETERS_M
        if settings.profile == "cloud" and is_large and spec.way.unfrozen != "head":
            raise UserError(
                "{label} is too large to be unfrozen on this server. Train a head on it, or choose "
                "a smaller backbone.",
                label=row.label,
            )
        start = yield from starting_point(spec.way.start, spec.backbone, spec.seed, self.context)
        return start

    def _open_data(self) -> Sliced[Any]:
        """Find out what to learn from and what to be tested on."""
        spec = self.spec
        self.progress.phase("opening the data", 1)
        self.dataset = yield from open_dataset(self.job, self.context, spec, self.progress.count)
        parts = divide(self.dataset, spec)
        self.train = take(parts.train, spec.photos_per_class, seed=spec.seed)
        self.validation = parts.validation
        self.progress.publish(
            classes=self.dataset.classes,
            train_photographs=len(self.train),
            validation_photographs=len(self.validation),
            left_out=self.dataset.left_out,
        )

    def _student(self, start: Backbone, unfrozen: Any) -> Student:
        student = Student(
            start,
            self.dataset.classes,
            unfrozen=unfrozen,
            trains_batch_norm=self.spec.train_batch_norm or self.spec.way.start == "random",
            seed=self.spec.seed,
        )
        budget_mb = self.context.settings.model_memory_mb
        if student.size_bytes > budget_mb * 2**20:
            raise UserError(
                "This model would need {size} MB and the lab keeps {budget} MB of visitors' "
                "models. Unfreeze fewer layers.",
                size=student.size_bytes // 2**20,
                budget=budget_mb,
            )
        self.progress.publish(
            trainable_parameters=student.trainable_parameters,
            total_parameters=student.total_parameters,
        )
        return student

    def _teach_head(self, student: Student) -> Sliced[Best]:
        """Everything that the frozen body has to say is computed once."""
        views = (False, True) if self.spec.augmentation != "none" else (False,)
        versions = []
        for mirrored in views:
            self.progress.phase("extracting features", 1)
            found = yield from embeddings(
                self.job,
                self.context,
                self.context.embeddings,
                student.start,
                self.dataset,
                (*self.train, *self.validation),
                self.progress.count,
                mirrored=mirrored,
            )
            versions.append(found)
        return (yield from self._teach(student, *self._kept(versions)))

    def _teach_unfrozen(self, student: Student, *, has_head: bool) -> Sliced[Best | None]:
        """Teach the network; nothing comes of one that flies apart at once, after a good head."""
        try:
            best = yield from self._teach_network(student)
        except FlewApart:
            if not has_head:
                raise
            self.has_flown_apart = True
            return None
        self.unfrozen_accuracy = best.tested.accuracy
        return best

    def _teach_network(self, student: Student) -> Sliced[Best]:
        if student.cut and self.spec.augmentation != "strong":
            size = yield from self._activation_bytes(student)
            if size <= self._memory_bytes() // 2:
                versions = yield from self._activations(student)
                return (yield from self._teach(student, *self._kept(versions)))
        sides = (self.train, self.validation)
        photographs = [self._photographs(student, side) for side in sides]
        yield from self._let_reside(photographs)
        return (yield from self._teach(student, *photographs))

    def _teach(self, student: Student, train: Inputs, validation: Inputs) -> Sliced[Best]:
        course = Course(self.job, student, train, validation, self.progress)
        best = yield from course.teach()
        self.has_flown_apart |= best.has_flown_apart
        return best

    def _kept(self, versions: Sequence[Tensor]) -> tuple[Kept, Kept]:
        count = len(self.train)
        labels = torch.tensor([e.label for e in (*self.train, *self.validation)])
        labels = labels.to(self.context.device)
        train = Kept([version[:count] for version in versions], labels[:count], self.spec.seed)
        return train, Kept([versions[0][count:]], labels[count:], self.spec.seed)

    def _activation_bytes(self, student: Student) -> Sliced[int]:
        """Memory for the activations before the last block, of all photographs and views."""
        extractor = Extractor(student.start, student.stem)
        probe = self.train[:_PROBE_PHOTOS]
        found = yield from through_network(
            self.context, extractor, self.dataset, probe, lambda *_: None
        )
        views = 2 if self.spec.augmentation == "mirror" else 1
        size: int = found.nbytes * views * (len(self.train) + len(self.validation))
        return size

    def _activations(self, student: Student) -> Sliced[list[Tensor]]:
        """What the last block takes, computed once and kept for this run."""
        extractor = Extractor(student.start, student.stem)
        examples = (*self.train, *self.validation)
        versions = []
        for mirrored in (False, True) if self.spec.augmentation == "mirror" else (False,):
            self.progress.phase("extracting activations", len(examples))
            versions.append(
                (
                    yield from through_network(
                        self.context,
                        extractor,
                        self.dataset,
                        examples,
                        self.progress.count,
                        mirrored,
                    )
                )
            )
        return versions

    def _photographs(self, student: Student, examples: tuple[Example, ...]) -> Photographs:
        row = student.start.row

        def source(batches: Sequence[Sequence[Example]]) -> Stream:
            return Stream(self.context, self.dataset, row, batches)

        normalise = normaliser(row, self.context.device)

        def prepare(pixels: Tensor) -> Tensor:
            with torch.no_grad():
                return student.stem(normalise(pixels))

        photographs = Photographs(source, examples, prepare, self.spec.augmentation, self.spec.seed)
        return photographs.to(self.context.device)

    def _let_reside(self, sides: Sequence[Photographs]) -> Sliced[Any]:
        """Decode all photographs once and leave them on the device, if it has the room."""
        examples = [example for side in sides for example in side.examples]
        size = self.context.backbones.row(self.spec.backbone).input_size
        if 3 * size**2 * len(examples) > self._memory_bytes():
            return
        self.progress.phase("reading photographs", len(examples))
        done = 0
        for side in sides:
            batches = chunks(side.examples, _READ_BATCH)
            stream, found = side.source(batches), []
            for batch in batches:
                found.append((yield from stream.take()))
                done += len(batch)
                self.progress.count(done, len(examples))
                yield None
            side.reside(torch.cat(found))

    def _memory_bytes(self) -> int:
        """Memory that one run's photographs or activations may take on the device."""
        if self.context.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self.context.device)
            return int(_CUDA_SHARE * free)
        return self.context.settings.feature_memory_mb * 2**20

    def _hand_over(self, student: Student, best: Best) -> FineTuneSnapshot:
        """Keep the finished model and tell how good it is."""
        key = f"own:{self.job.id[:12]}"
        result = replace(
            judge(best.tested.probs, self.validation, self.dataset.classes, model=key),
            unfrozen_accuracy=self.unfrozen_accuracy,
            is_head_alone=self.spec.way.unfrozen != "head" and student.unfrozen == "head",
            has_flown_apart=self.has_flown_apart,
        )
        label = f"{student.start.label}, {self.spec.mode}: {', '.join(self.dataset.classes[:3])}"
        if len(self.dataset.classes) > 3:
            label += " …"
        current = self.job.current  # controls may have moved
        taught = current if isinstance(current, FineTune) else self.spec
        trainable_parameters = student.trainable_parameters
        finished = student.finished(key, label, taught)
        model = OwnModel(finished, min(self.job.owners), student.size_bytes)
        self.context.backbones.adopt(key, model)
        self.progress.publish(
            phase="done",
            best_epoch=best.tested.epoch,
            step=self.progress.snapshot.steps,
            trainable_parameters=trainable_parameters,
        )
        return replace(self.progress.snapshot, result=result, seconds_left=0.0)
