"""The handler of ``FineTune``: the five ways to train a network on new classes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import imagenet_classes
from tl_core.backbones.store import OwnModel
from tl_core.context import Context
from tl_core.datasets.dataset import Dataset, Example, sample_per_class
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.specs.base import OWN, Snapshot
from tl_core.specs.training import FineTune, FineTuneResult, FineTuneSnapshot, Unfrozen
from tl_core.training.data import open_dataset, split_by_spec
from tl_core.training.embeddings import Extractor, embeddings, extract
from tl_core.training.forgetting import count_forgotten
from tl_core.training.initial import starting_point, without_scaling
from tl_core.training.inputs import (
    Inputs,
    PhotoInputs,
    PhotoSource,
    PrecomputedInputs,
    map_photos,
    shifted,
)
from tl_core.training.loop import BestEpoch, Diverged, TrainingLoop
from tl_core.training.metrics import evaluate
from tl_core.training.novelty import novelty_of, rows_of
from tl_core.training.progress import Progress
from tl_core.training.reliability import scale_temperature
from tl_core.training.trainable import TrainableModel

_CLOUD_PARAMETERS_M = 12.0  # largest network that the hosted copy unfreezes
_READ_BATCH = 32
_CUDA_SHARE = 0.4  # of the GPU's free memory, for photographs that stay there
_WEIGHT_COPIES = 5  # the weights, their gradients, AdamW's two averages, the best epoch's weights

Trained = tuple[TrainableModel, BestEpoch]


def fine_tune(job: Job[FineTune], context: Context) -> Sliced[Snapshot]:
    """Train a network on the classes of a data set; the store keeps the model for its owner.

    A run that is cancelled or fails leaves no model.

    Raises:
        UserError: If the data or the network cannot be had, are too large, or training diverges.
    """
    return (yield from _Run(job, context).run())


class _Run:
    """One run: opens the data, trains the head, then what else is unfrozen, keeps the better."""

    def __init__(self, job: Job[FineTune], context: Context) -> None:
        self.job = job
        self.context = context
        self.spec = job.spec
        first = FineTuneSnapshot(phase=N_("opening the data"), mode=self.spec.mode)
        self.progress = Progress(job, first)
        self.views = (False,) if self.spec.augmentation == "none" else (False, True)  # mirrored?
        self.dataset: Dataset
        self.source: PhotoSource
        self.train: tuple[Example, ...]
        self.validation: tuple[Example, ...]
        self.unfrozen_accuracy: float | None = None  # of its best epoch
        self.has_diverged = False

    def run(self) -> Sliced[FineTuneSnapshot]:
        """Train; return the final snapshot. The head is kept where the network is no better."""
        start = yield from self._start()
        yield from self._open_data()
        row, trained = self.spec.mode_row, list[Trained]()
        if row.unfrozen == "head" or (self.spec.head_first and row.start == "trained"):
            trained.append((yield from self._train_head(start)))
        if row.unfrozen != "head":
            trained += yield from self._train_unfrozen(start, *trained)
        model, best = trained[-1]
        if self.validation:
            model, best = max(trained, key=lambda pair: pair[1].validation.rank)
        return (yield from self._finish(model, best))

    def _start(self) -> Sliced[Backbone]:
        spec = self.spec
        row = self.context.backbones.row(spec.backbone)
        is_large = row.parameters_m > _CLOUD_PARAMETERS_M and spec.mode_row.unfrozen != "head"
        if is_large and self.context.settings.profile == "cloud":
            raise UserError(
                "{label} is too large to unfreeze on this server. Train a head on it, or choose a "
                "smaller backbone.",
                label=row.label,
            )
        start = yield from starting_point(
            spec.mode_row.start, spec.backbone, spec.seed, self.context
        )
        return start if spec.input_scaling else without_scaling(start)

    def _open_data(self) -> Sliced[None]:
        """Choose the photographs to train on and to test on."""
        spec, on_progress = self.spec, self.progress.count
        self.progress.phase(N_("opening the data"), 1)
        self.dataset = yield from open_dataset(self.job, self.context, spec, on_progress)
        owner = min(self.job.owners)
        self.source = PhotoSource(self.context, self.dataset, owner, on_progress)
        parts = split_by_spec(self.dataset, spec)
        learned, corrected = list[Example](), list[Example]()
        for example in parts.train:
            (corrected if example.key in spec.corrections else learned).append(example)
        sampled = sample_per_class(learned, spec.photos_per_class, seed=spec.seed)
        self.train = (*sampled, *corrected)
        self.validation = parts.validation
        self.progress.publish(
            classes=self.dataset.classes,
            train_photographs=len(self.train),
            validation_photographs=len(self.validation),
            left_out=self.dataset.left_out,
        )

    def _new_model(self, start: Backbone, unfrozen: Unfrozen) -> TrainableModel:
        model = TrainableModel(
            start,
            self.dataset.classes,
            unfrozen=unfrozen,
            trains_batch_norm=self.spec.train_batch_norm or self.spec.mode_row.start == "random",
            seed=self.spec.seed,
        )
        budget_mb = self.context.settings.model_memory_mb
        if model.size_bytes > budget_mb * 2**20:
            raise UserError(
                "This model would need {size} MB, but the lab has only {budget} MB for visitors' "
                "models. Unfreeze fewer layers.",
                size=model.size_bytes // 2**20,
                budget=budget_mb,
            )
        self.context.memory.require(min(self.job.owners), model.size_bytes)
        self.progress.publish(
            trainable_parameters=model.trainable_parameters,
            total_parameters=model.total_parameters,
        )
        return model

    def _train_head(self, start: Backbone) -> Sliced[Trained]:
        """Train a head on the frozen body's embeddings, which are computed once."""
        model = self._new_model(start, "head")
        count = len(self.train) + len(self.validation)
        self._hold(model, 2 * start.embedding_size * count * len(self.views))  # float16
        work = partial(embeddings, self.source, start)
        phase = N_("extracting features")
        if self.spec.mode_row.start == "pixels":
            phase = N_("reading photographs")
        inputs = yield from self._precomputed(phase, 1, work)
        return (yield from self._train(model, *inputs))

    def _train_unfrozen(
        self, start: Backbone, head: Trained | None = None
    ) -> Sliced[list[Trained]]:
        """Train the network; nothing is returned if it diverges at once but there is a head."""
        model = self._new_model(start, self.spec.mode_row.unfrozen)
        if head is not None:
            model.head.load_state_dict(head[0].head.state_dict())
        try:
            inputs = yield from self._network_inputs(model)
            trained = yield from self._train(model, *inputs)
        except Diverged:
            if head is None:
                raise
            self.has_diverged = True
            return []
        self.unfrozen_accuracy = trained[1].validation.accuracy
        return [trained]

    def _train(self, model: TrainableModel, train: Inputs, validation: Inputs) -> Sliced[Trained]:
        loop = TrainingLoop(
            self.job,
            model,
            train,
            validation,
            self.progress,
            most=self.context.photos_at_once(),
        )
        best = yield from loop.run()
        model.restore(best.state)
        self.has_diverged |= best.has_diverged
        return model, best

    def _network_inputs(self, model: TrainableModel) -> Sliced[Sequence[Inputs]]:
        """Return activations before the last block where they fit into memory, else photographs."""
        count = len(self.train) + len(self.validation)
        if model.cut and self.spec.augmentation != "strong":
            extractor = Extractor(model.start, model.frozen_layers)
            size = yield from self._activation_bytes(extractor)
            if size <= self._memory_bytes() // 2:
                self._hold(model, size)
                work = partial(extract, self.source, extractor)
                return (yield from self._precomputed(N_("extracting activations"), count, work))
        sides = [
            PhotoInputs(self.source, model, side, self.spec.augmentation, self.spec.seed)
            for side in (self.train, self.validation)
        ]
        yield from self._keep_photos(model, sides)
        return sides

    def _activation_bytes(self, extractor: Extractor) -> Sliced[int]:
        """Memory for the activations before the last block, of all photographs and views."""
        silent = replace(self.source, on_progress=lambda *_: None)
        found = yield from extract(silent, extractor, self.train[:1], mirrored=False)
        size: int = found.nbytes * len(self.views) * (len(self.train) + len(self.validation))
        return size

    def _precomputed(
        self, phase: str, steps: int, compute: Callable[..., Sliced[Tensor]]
    ) -> Sliced[Sequence[Inputs]]:
        """Compute every view of all photographs once, for training and validation."""
        examples, versions = (*self.train, *self.validation), []
        for mirrored in self.views:
            self.progress.phase(phase, steps)
            versions.append((yield from compute(examples, mirrored=mirrored)))
        count, seed = len(self.train), self.spec.seed
        labels = torch.tensor([e.label for e in examples], device=self.context.device)
        train = PrecomputedInputs([version[:count] for version in versions], labels[:count], seed)
        return train, PrecomputedInputs([versions[0][count:]], labels[count:], seed)

    def _keep_photos(self, model: TrainableModel, sides: Sequence[PhotoInputs]) -> Sliced[None]:
        """Decode all photographs once and keep them on the device, if they fit into its memory."""
        row = model.start.row
        total = sum(len(side.examples) for side in sides)
        size = 3 * row.input_size**2 * total
        is_kept = size <= self._memory_bytes()
        self._hold(model, size if is_kept else 0)
        if not is_kept:
            return
        self.progress.phase(N_("reading photographs"), total)
        done = 0
        for side in filter(lambda side: side.examples, sides):
            counted = replace(self.source, on_progress=shifted(self.progress.count, done, total))
            side.kept = yield from map_photos(
                counted, row, side.examples, lambda photos: photos, _READ_BATCH
            )
            done += len(side.examples)

    def _memory_bytes(self) -> int:
        """Memory that one run's photographs or activations may take on the device."""
        if self.context.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self.context.device)
            return int(_CUDA_SHARE * free)
        room = self.context.memory.room(min(self.job.owners), "runs")
        return min(self.context.settings.feature_memory_mb * 2**20, room)

    def _hold(self, model: TrainableModel, input_bytes: int) -> None:
        """Note the memory that this run takes from now on, even while it is paused."""
        self.job.held_bytes = input_bytes + _WEIGHT_COPIES * model.size_bytes

    def _finish(self, model: TrainableModel, best: BestEpoch) -> Sliced[FineTuneSnapshot]:
        """Put the model into the store and return the result on the validation photographs."""
        key, classes = f"{OWN}{self.job.id[:12]}", self.dataset.classes
        label = self.spec.label or _label(model.start.label, self.spec.mode, classes)
        backbone = model.to_backbone(key, label, self.job.current)  # controls may have moved
        self.progress.phase(N_('setting up "none of these"'), 1)
        novelty, judged = yield from novelty_of(
            model,
            backbone,
            self.source,
            self.train,
            self.validation,
            something_else=self.spec.something_else,
        )
        self.progress.publish(phase=N_("evaluating"))
        work = partial(evaluate, best.validation.probs, self.validation, classes, model=key)
        labels = torch.tensor([example.label for example in self.validation])
        scale = partial(scale_temperature, best.validation.probs, labels)
        result = replace(
            (yield from self.context.in_pool(work, p_values=judged)),
            scaling=(yield from self.context.in_pool(scale)),
            unfrozen_accuracy=self.unfrozen_accuracy,
            is_head_alone=self.spec.mode_row.unfrozen != "head" and model.unfrozen == "head",
            has_diverged=self.has_diverged,
        )
        size_bytes = model.size_bytes + (novelty.size_bytes if novelty else 0)
        backbone = replace(backbone, novelty=novelty)
        result = replace(result, shifts=(yield from self._shifts(model, backbone)))
        is_pretrained = self.spec.mode_row.start == "trained"
        if model.unfrozen != "head" and is_pretrained and model.start.classes == imagenet_classes():
            forgetting = yield from count_forgotten(model.start, backbone, self.source)
            result = replace(result, forgetting=forgetting)
        own = OwnModel(backbone, self.source.owner, size_bytes)
        self.context.backbones.adopt(key, own)
        self.progress.publish(
            phase=N_("done"),
            best_epoch=best.validation.epoch,
            step=self.progress.snapshot.steps,
            trainable_parameters=model.trainable_parameters,
        )
        return replace(self.progress.snapshot, result=result, seconds_left=0.0)

    def _shifts(
        self, model: TrainableModel, backbone: Backbone
    ) -> Sliced[tuple[tuple[str, FineTuneResult], ...]]:
        """Return the model's figures on each of the data set's other tests."""
        found = []
        for name, examples in self.dataset.tests.items():
            rows = yield from rows_of(model, backbone, self.source, examples)
            with torch.no_grad():
                probs = backbone.head(rows.float()).softmax(1).cpu()
            judged = backbone.novelty.judge(rows) if backbone.novelty else []
            p_values = {e.key: one.p_value for e, one in zip(examples, judged, strict=False)}
            work = partial(
                evaluate, probs, examples, backbone.classes, model=backbone.key, p_values=p_values
            )
            found.append((name, (yield from self.context.in_pool(work))))
        return tuple(found)


def _label(network: str, mode: str, classes: Sequence[str]) -> str:
    """What a model is called for which nobody has a name."""
    return f"{network}, {mode}: {', '.join(classes[:3])}" + (" …" if len(classes) > 3 else "")
