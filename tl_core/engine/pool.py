"""The pool of helper threads beside the device worker."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """A few threads for downloading, decoding, encoding and projections; never for a network.

    Three kinds of work have threads of their own. Downloads wait on the network for minutes; the
    hundreds of photographs of a data set take seconds; neither may keep a visitor's one photograph
    from being decoded, or a picture from being shown.
    """

    def __init__(
        self,
        *,
        threads: int = 3,
        photo_threads: int = 2,
        download_threads: int = 2,
        prepare_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._short = ThreadPoolExecutor(
            threads, thread_name_prefix="lab-pool", initializer=prepare_thread
        )
        self._photos = ThreadPoolExecutor(
            photo_threads, thread_name_prefix="lab-photos", initializer=prepare_thread
        )
        self._long = ThreadPoolExecutor(download_threads, thread_name_prefix="lab-download")

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run short work beside the worker."""
        return self._short.submit(work, *args, **kwargs)

    def submit_photos(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a piece of the work on many photographs; a run waits for a few pieces at a time."""
        return self._photos.submit(work, *args, **kwargs)

    def submit_download(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run work that mostly waits for a network."""
        return self._long.submit(work, *args, **kwargs)

    def close(self) -> None:
        """Start nothing more, and wait for what is running; a cancelled download ends soon."""
        self._short.shutdown(cancel_futures=True)
        self._photos.shutdown(cancel_futures=True)
        self._long.shutdown(cancel_futures=True)
