"""The runner of cameras' frames: all that have come for one network, in one pass."""

from concurrent.futures import Future
from typing import Any, cast

import torch

from tl_core.backbones.backbone import Backbone
from tl_core.context import Context, pixels_from, warm_up
from tl_core.engine.job import Job
from tl_core.engine.runner import Runner
from tl_core.errors import UserError
from tl_core.images.decode import decode
from tl_core.live.look import look
from tl_core.specs.live import MOST_BYTES, MOST_SIDE, LiveFrame

# Frames by which a pass becomes more efficient: without gradients fewer than in a drawn batch
_CPU_ROOM, _GPU_ROOM = 4, 32


class FrameRunner(Runner):
    """Frames that have come by the time it is turned; after that slice it has none left."""

    def __init__(self, context: Context, spec: LiveFrame) -> None:
        self.jobs: list[Job] = []
        self._context = context
        self._key = spec.backbone
        self._loading: Future[Backbone] | None = None

    def has_room(self) -> bool:
        """Whether one more frame makes the batch more efficient, and memory bears it."""
        room = _CPU_ROOM if self._context.device.type == "cpu" else _GPU_ROOM
        return len(self.jobs) < min(room, self._context.photos_at_once())

    def add(self, job: Job) -> None:
        """Take a visitor's frame in."""
        self.jobs.append(job)

    def remove(self, job: Job, *, keep: bool) -> bool:
        """Give a frame up."""
        self.jobs.remove(job)
        return True

    def advance(self) -> Future[Any] | None:
        """Answer every frame; a network that is not in memory yet is loaded first."""
        backbone = self._backbone()
        if backbone is None:
            self._loading = self._context.pool.submit(self._context.backbones.load, self._key)
            return self._loading
        seen = []
        for job in self.jobs:
            try:
                seen.append((job, self._pixels(cast("LiveFrame", job.spec), backbone)))
            except UserError as error:  # no picture: the other frames are answered
                job.fail(error)
        if seen:
            jobs, pixels = zip(*seen, strict=True)
            targets = [cast("LiveFrame", job.spec).target for job in jobs]
            answers = look(backbone, torch.cat(pixels), targets)
            for job, answer in zip(jobs, answers, strict=True):
                job.finish(answer)
        self.jobs.clear()
        return None

    def _backbone(self) -> Backbone | None:
        """The network, if it is in memory.

        Raises:
            UserError: If it could not be loaded.
        """
        if self._loading is not None:
            warm_up(self._loading.result())
            self._loading = None
        loaded = self._context.backbones.loaded(self._key)
        return loaded and loaded.folded  # a fifth faster, with the same answers

    def _pixels(self, spec: LiveFrame, backbone: Backbone) -> torch.Tensor:
        photo = decode(spec.frame, max_pixels=MOST_SIDE**2, max_bytes=MOST_BYTES)
        return pixels_from(backbone.row.fit(photo), self._context.device)
