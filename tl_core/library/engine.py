"""The lab's handlers in the caller's thread: no server, no worker, no file left behind."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from tl_core.backbones.store import BackboneStore
from tl_core.context import Context
from tl_core.datasets.store import DatasetStore
from tl_core.datasets.uploads import keep_one
from tl_core.engine.job import Job
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import P, Pool, T
from tl_core.errors import UserError
from tl_core.imageopt.precision import known
from tl_core.images.photo_store import PhotoStore
from tl_core.library.inputs import OWNER, photo_bytes
from tl_core.local.handlers import make_runner
from tl_core.machine.device import choose_device, lack_of_memory
from tl_core.settings import Settings
from tl_core.specs.base import OWN, Snapshot, Spec
from tl_core.specs.datasets import FOLDER, OWN_DATASET

_NO_LIMIT = 2**30  # MB: models stay for as long as somebody has them

Callback = Callable[[Snapshot], object]  # returns True to stop


class InlinePool(Pool):
    """Does at once, in the caller's thread, what the app's pool does beside the worker."""

    def __init__(self) -> None:
        """Start no threads."""

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Do the work; return a future that is done."""
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a future hands on whatever its work raises
            future.set_exception(error)
        return future

    submit_photos = submit_download = submit

    def close(self) -> None:
        """Nothing runs."""


class Engine:
    """What the networks of one device share; one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        chosen = choose_device(settings.device)
        self._files = ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="tl-library-")
        self._given = settings
        self.settings = replace(
            settings,
            cache_dir=Path(self._files.enter_context(folder)),
            precision="fp32" if settings.precision == "auto" else settings.precision,
            model_memory_mb=_NO_LIMIT,
            visitor_memory_mb=_NO_LIMIT,
        )
        self.networks = WeakValueDictionary[str, Any]()  # that somebody has, by their keys
        self.context = Context(
            self.settings,
            chosen,
            BackboneStore(self.settings, chosen),
            PhotoStore(self.settings.photo_memory_mb * 2**20, self.settings.max_pixels),
            DatasetStore(self.settings),
            InlinePool(),
            VisitorMemory(self.settings.visitor_memory_mb * 2**20),
        )
        self._at_work = threading.Lock()

    def precision(self, key: str) -> str:
        """In which precision the app draws with a network here; float32 if it never measured it."""
        if self._given.precision != "auto":
            return self._given.precision
        row = self.context.backbones.row(key)
        return known(self._given.cache_dir, self.context.device, [row]) or "fp32"

    def photographs(self, data: Any) -> tuple[Context, dict[str, Any]]:
        """Where photographs by class are, and the fields of ``FineTune`` that name them.

        ``data`` is a mapping, the name of a data set of the lab, or a folder with a folder for each
        class.

        Raises:
            UserError: If it is none of these, or a photograph cannot be read.
        """
        if isinstance(data, Mapping):
            store, most = self.context.photos, self.settings.max_pixels
            kept = tuple(
                (str(name), tuple(keep_one(photo_bytes(one), store, OWNER, most) for one in each))
                for name, each in data.items()
            )
            return self.context, {"dataset": OWN_DATASET, "photos": kept}
        is_named = isinstance(data, str) and data.startswith(FOLDER)
        if is_named or (isinstance(data, str) and data in self.context.datasets.rows):
            return self.context, {"dataset": data}
        folder = Path(data).expanduser() if isinstance(data, str | os.PathLike) else Path()
        if folder.is_dir() and folder.resolve().name and folder != Path():
            beside = replace(self.settings, data_dir=folder.resolve().parent)
            context = replace(self.context, datasets=DatasetStore(beside))
            return context, {"dataset": FOLDER + folder.resolve().name}
        raise UserError(
            "To train takes photographs by class: a dictionary of lists, or a folder. {data} is no "
            "folder with a folder of photographs for each class. Name one.",
            data=f"{data!s:.100}",
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the networks for one verb; photographs that it was shown are forgotten afterwards.

        So are models that nobody has any more.

        Raises:
            UserError: If another thread has them.
        """
        if not self._at_work.acquire(blocking=False):
            raise UserError(
                "This network is at work in another thread. Wait for that, or load it there again."
            )
        try:
            yield
        finally:
            self.context.photos.forget(OWNER)
            self.context.embeddings.forget(OWNER)
            for key in self.context.backbones.loaded_keys().difference(self.networks):
                if key.startswith(OWN):
                    self.context.backbones.drop(key)
            self._at_work.release()

    def run(
        self,
        spec: Spec,
        *,
        context: Context | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> Any:
        """Turn a spec's runner to its end; its last snapshot.

        With ``progress`` a bar is drawn. ``callback`` sees each snapshot, and stops the work by
        returning True; the last snapshot is then the result. Interrupting it (Ctrl+C) leaves the
        networks as they were.

        Raises:
            UserError: As the handler.
        """
        job = Job(spec, OWNER, explain=lack_of_memory)
        runner = make_runner(job, context or self.context)
        seen: Snapshot | None = None
        with ExitStack() as stack:
            stack.callback(runner.close)
            stack.callback(_take_out, runner, job)
            show = stack.enter_context(_bar(progress))
            while runner.jobs:
                parked = runner.advance()
                if parked is not None:
                    parked.exception()  # the runner hands an error on
                if job.snapshot is not None and job.snapshot is not seen:
                    seen = job.snapshot
                    show(seen)
                    if callback is not None and callback(seen) is True:
                        break
        if job.error is not None:
            raise job.error
        if job.snapshot is None:
            raise UserError("The work was stopped before it was done. Start it again.")
        return job.snapshot


def _take_out(runner: Any, job: Job) -> None:
    if job in runner.jobs:
        runner.remove(job, keep=False)


@contextmanager
def _bar(is_shown: bool) -> Iterator[Callable[[Snapshot], None]]:
    if not is_shown:
        yield lambda _snapshot: None
        return
    from tqdm.auto import tqdm

    with tqdm() as bar:

        def show(snapshot: Snapshot) -> None:
            bar.total = snapshot.steps
            bar.update(snapshot.step - bar.n)

        yield show
