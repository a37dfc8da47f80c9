"""Jobs in this process: a worker, its scheduler, the pool, and all that is kept between jobs."""

import math
from collections.abc import Callable, Sequence

from tl_core.compute import Hardware, Kept, MachineStatus
from tl_core.context import Context
from tl_core.datasets.store import DatasetStore
from tl_core.engine.awake import AwakeClock
from tl_core.engine.job import Job
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.engine.queueing import poll_s
from tl_core.engine.scheduler import Scheduler
from tl_core.engine.worker import Worker
from tl_core.errors import UserError
from tl_core.images.photo_store import PhotoStore
from tl_core.leftovers import delete_leftovers
from tl_core.local.handlers import make_runner
from tl_core.local.networks import LocalNetworks
from tl_core.machine.cores import take_turns_quickly, usable_cores
from tl_core.machine.device import choose_device, device_name, is_device_gone, lack_of_memory
from tl_core.machine.process_memory import FreedMemory, keep_freed_memory, keep_little_freed_memory
from tl_core.machine.threads import WorkerThreads, flush_subnormals, stay_on_one_core
from tl_core.settings import Settings
from tl_core.specs.base import Spec

_SMALL_MB = 2048  # a process that may not grow larger


class LocalCompute:
    """The ``Compute`` of this process and its device."""

    def __init__(
        self,
        settings: Settings,
        photos: PhotoStore,
        memory: VisitorMemory,
        clock: AwakeClock,
        *,
        cores: int | None = None,
        hand_over_s: float = math.inf,
    ) -> None:
        self._settings = settings
        is_small = settings.process_memory_mb < _SMALL_MB
        (keep_little_freed_memory if is_small else keep_freed_memory)()
        take_turns_quickly()
        self._cores = cores or usable_cores()
        self.device = choose_device(settings.device)
        stay_on_one_core()
        self._pool = Pool(photo_threads=self._cores, prepare_thread=_flushing(stay_on_one_core))
        self.networks = LocalNetworks(settings, self.device, self._pool, memory)
        self.datasets = DatasetStore(settings)
        self.context = Context(
            settings,
            self.device,
            self.networks,
            photos,
            self.datasets,
            self._pool,
            memory,
            lambda: poll_s(self.queue.counts()),
            hand_over_s,
        )
        threads = WorkerThreads(self._cores)
        freed = FreedMemory(settings.process_memory_mb * 2**20)

        def after_slice(clock_s: float, thread_s: float, process_s: float) -> None:
            threads.measured(clock_s, thread_s, process_s)
            freed.look()

        self.queue = Scheduler(
            lambda job: make_runner(job, self.context),
            settings,
            explain=self._explain,
            after_slice=after_slice,
            clock=clock,
        )
        self._worker = Worker(
            self.queue,
            name=f"lab-worker-{self.device}",
            hang_s=settings.hang_s,
            prepare_thread=_flushing(threads.begin),
            exits_on_hang=settings.exit_on_hang,
        )

    def start(self) -> None:
        """Start the worker, and clear away what killed processes left behind."""
        self._worker.start()
        self._pool.submit_download(delete_leftovers, self.context)

    def close(self, timeout_s: float) -> None:
        """Stop the worker after its slice and end every open job."""
        self._worker.close(timeout_s)
        self._pool.close()

    def trouble(self) -> UserError | None:
        """Return why nothing can run now; ``None`` while all is well."""
        return self._worker.trouble()

    def hardware(self) -> Hardware:
        """The device, and how many cores it has where it is the processor."""
        is_cpu = self.device.type == "cpu"
        return Hardware(device_name(self.device, self._cores), is_cpu, self._cores if is_cpu else 0)

    def machines(self) -> list[MachineStatus]:
        """None: it is no cluster."""
        return []

    def kept(self) -> list[Kept]:
        """What is kept for visitors beside their photographs."""
        settings, context = self._settings, self.context
        return [
            ("own models", self.networks.held, settings.model_memory_mb),
            ("runs", self.queue.held, settings.run_memory_mb),
            ("own embeddings", context.embeddings.held, settings.feature_memory_mb),
            ("feature maps", context.activations.held, settings.activation_memory_mb),
        ]

    def others(self, _spec: Spec, runs: Sequence[Job]) -> Sequence[Job]:
        """All of them: there is one worker."""
        return runs

    def forget(self, owner: str) -> None:
        """Drop a visitor's models and what was made of their photographs."""
        self.networks.forget(owner)
        self.forget_photos(owner)

    def forget_photos(self, owner: str) -> None:
        """Drop what was made of a visitor's photographs."""
        self.context.embeddings.forget(owner)

    def _explain(self, error: BaseException) -> UserError | None:
        if is_device_gone(error):
            self._worker.note_broken()
            return self._worker.trouble()
        return lack_of_memory(error)


def _flushing(begin: Callable[[], None]) -> Callable[[], None]:
    """What prepares a thread that computes with visitors' numbers, which may be of any size."""

    def prepare() -> None:
        flush_subnormals()
        begin()

    return prepare
