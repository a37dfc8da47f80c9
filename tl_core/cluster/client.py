"""An app server's side of one machine: orders go out, news come in, silence is noticed."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from tl_core.cluster.messages import (
    About,
    Begin,
    Disk,
    Forget,
    Known,
    Load,
    News,
    Order,
    Ref,
    code_version,
)
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.specs.base import Spec

log = logging.getLogger(__name__)

WAIT_S = 0.5  # longest that a machine waits for news before it says that there are none
LATE_S = 5.0  # beyond that: it answers late, and others do its work where they can
START_S = 180.0  # for a process to start, and torch with it
_CALL_S = 60.0  # for an answer that a page waits for
_RETRY_S = 0.5
_BACK_S = 60.0  # within which a machine that was lost is waited for
_MOST_FAILURES = 3  # news that could not be told, one after another, before all there is given up
_REFUSED_S = 10.0
_OTHER_CODE = N_(
    "The cluster runs a different version of the lab's code ({theirs}) from this server's "
    "({ours}). Put the same version on every machine, then restart the cluster."
)
_LOST = N_("One of the cluster's machines was lost before it answered. Please try again.")


class ClientOwner(Protocol):
    """Who is told what happens on a client, on its thread."""

    def began(self, client: "MachineClient") -> None:
        """It can be used from now on."""

    def was_refused(self, client: "MachineClient") -> None:
        """It can run nothing; ``client.refusal`` says why."""

    def heard(self, client: "MachineClient", news: News) -> None:
        """It has news."""

    def was_late(self, client: "MachineClient") -> None:
        """It does not answer just now; told again and again meanwhile."""

    def was_lost(self, client: "MachineClient") -> None:
        """All that ran there is gone."""


@dataclass(eq=False)
class MachineClient:
    """A machine as an app server sees it; thread-safe.

    ``make`` gives the actor's handle, of a new actor where there is none. Every start of its
    process is another boot, with which the orders and news of the last one end.
    """

    place: int
    server: str  # this app server's name
    make: Callable[[], Any]
    owner: ClientOwner
    hang_s: float
    about: About | None = None  # of the boot that is under way
    load: Load | None = None
    disk: Disk | None = None
    refusal: UserError | None = None  # why it can run nothing
    is_late: bool = False
    _handle: Any = None
    _lost_at: float | None = None
    _connection: int = 0
    _sent: int = 0
    _orders: list[Order] = field(default_factory=list)
    _expected: dict[str, Spec] = field(default_factory=dict)  # jobs that it has no news of yet
    _models: tuple[str, int] = ("", -1)  # a boot, and the newest model of which is known
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to talk to the machine."""
        for work in (self._listen, self._send):
            name = f"lab-client-{self.place}"
            self._threads.append(threading.Thread(target=work, name=name, daemon=True))
            self._threads[-1].start()

    def end(self, timeout_s: float) -> bool:
        """Have all that is this app server's end there; whether nothing is said any more."""
        self._closing.set()
        if self.load is not None:
            try:
                ray.get(self.ask_later("end", self.name), timeout=timeout_s)
            except (RayError, ConnectionError) as error:  # then the machine finds out by itself
                log.info("machine %d was not told the end: %s", self.place, _first_line(error))
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def is_usable(self) -> bool:
        """Whether work can go there."""
        load = self.load
        return load is not None and load.trouble is None and not self.is_late

    @property
    def may_be_back(self) -> bool:
        """Whether it is there, or was lost only now."""
        lost_at = self._lost_at
        is_new = lost_at is not None and time.monotonic() < lost_at + _BACK_S
        return self.load is not None or is_new

    @property
    def trouble(self) -> UserError | None:
        """Return why no work can go there, where there is a reason."""
        return self.refusal or (self.load.trouble if self.load else None)

    def send(self, order: Order) -> None:
        """Have an order taken after all earlier ones.

        What a lost machine has not taken is dropped, since its jobs begin elsewhere; but whose
        visitor is gone must be heard by a machine that was only out of reach.
        """
        with self._changed:
            if self.load is None and not (isinstance(order, Forget) and self.may_be_back):
                return
            self._orders.append(order)
            if isinstance(order, Begin):
                self._expected[order.controls.job] = order.spec
                self._count(order.spec)
            self._changed.notify_all()

    def _count(self, spec: Spec) -> None:
        """Add a job to the load, which the machine does not count yet."""
        load = self.load
        if load is not None and spec.uses_network:
            batches = Counter(load.batches)
            if spec.is_run and spec.batch_key is not None:
                batches[spec.batch_key] += 1
            self.load = replace(
                load,
                questions=load.questions + spec.is_quick,
                runs=load.runs + spec.is_run,
                batches=batches,
                loaded=load.loaded | {spec.backbone},
            )

    def _take_in(self, news: News) -> None:
        """Note how busy the machine is, with what it has not begun yet."""
        with self._changed:
            for one in news.jobs:
                self._expected.pop(one.job, None)
            self.load, self.disk = news.load, news.disk or self.disk
            for spec in self._expected.values():
                self._count(spec)
            self._changed.notify_all()

    def ask(self, method: str, *arguments: Any) -> Any:
        """Ask something and wait for the answer.

        Raises:
            UserError: The machine's own, or that it is gone.
        """
        if self._handle is None:
            raise UserError(_LOST)
        try:
            return ray.get(self.ask_later(method, *arguments), timeout=_CALL_S)
        except RayTaskError as error:
            raise error.cause if isinstance(error.cause, UserError) else error from None
        except RayError as error:
            raise UserError(_LOST) from error

    def ask_later(self, method: str, *arguments: Any) -> Ref:
        """Ask something; the answer's reference, which this app server owns."""
        return self._handle.ask.remote(method, *arguments)

    @property
    def name(self) -> str:
        """This app server, in the boot of the machine that is under way."""
        return f"{self.server}.{self._connection}"

    # -- hearing -------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._closing.is_set():
            with self._logged():
                if self._begin_life():
                    self._hear_all()
                else:
                    self.owner.was_refused(self)
                    self._closing.wait(_REFUSED_S)
            if self.load is not None:
                with self._logged():
                    self._lose()
            self._closing.wait(_RETRY_S)

    @contextmanager
    def _logged(self) -> Iterator[None]:
        """Let nothing end the thread: whatever goes wrong is tried again."""
        try:
            yield
        except (RayError, ConnectionError) as error:
            log.warning("machine %d: %s", self.place, _first_line(error))
        except Exception:
            log.exception("machine %d could not be listened to", self.place)

    def _begin_life(self) -> bool:
        self._handle = self.make()
        about = ray.get(self._handle.about.remote(), timeout=START_S)
        if isinstance(about, UserError):
            self.refusal = about
        elif about.version != code_version():
            self.refusal = UserError(_OTHER_CODE, theirs=about.version, ours=code_version())
        else:
            self.refusal = None
            self.about = about
        return self.refusal is None

    def _hear_all(self) -> None:
        """Take in news until this boot ends."""
        boot, failures = self.about.boot if self.about else "", 0
        known = Known(model=self._models[1] if self._models[0] == boot else -1)
        while not self._closing.is_set():
            try:
                news = self._answer(self._handle.news.remote(self.name, known, WAIT_S))
            except RayTaskError:  # something went wrong there, but it lives
                failures += 1
                if failures > _MOST_FAILURES:
                    raise
                log.exception("machine %d could not tell its news", self.place)
                self._closing.wait(_RETRY_S)
                continue
            if news.boot != boot:
                return
            is_first, known, failures = self.load is None, news.known, 0
            self._models = boot, known.model
            self._take_in(news)
            if is_first:
                self.owner.began(self)
            self.owner.heard(self, news)

    def _answer(self, ref: Ref) -> News:
        """Wait for news; a machine that is silent for too long is ended, and starts again.

        The silence is counted in waits, so that none is while this process itself stood still.
        """
        silent_s = 0.0
        while True:
            try:
                news = cast(News, ray.get(ref, timeout=WAIT_S + LATE_S))
            except GetTimeoutError:
                if not self.is_late:
                    log.warning("machine %d answers late", self.place)
                    self.is_late = True
                self.owner.was_late(self)
                silent_s += WAIT_S + LATE_S
                if silent_s >= self.hang_s:
                    ray.kill(self._handle, no_restart=False)
                    raise
                if self._closing.is_set():
                    raise
            else:
                self.is_late = False
                return news

    def _lose(self) -> None:
        """Let all that was said belong to the past."""
        with self._changed:
            self._connection += 1
            self._lost_at = time.monotonic()
            self._orders = [order for order in self._orders if isinstance(order, Forget)]
            self._expected.clear()
            self._sent = 0
            self.load = self.about = None
            self.is_late = False
        self.owner.was_lost(self)

    # -- telling -------------------------------------------------------------------------------

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._may_send)
                if self._closing.is_set():
                    return
                orders, self._orders = self._orders, []
                self._sent += 1
                name, number, boot = self.name, self._sent, self.about.boot if self.about else ""
            if not self._deliver(name, boot, number, orders):
                with self._changed:
                    forgets = [order for order in orders if isinstance(order, Forget)]
                    self._orders = [*forgets, *self._orders]

    def _may_send(self) -> bool:
        return self._closing.is_set() or (bool(self._orders) and self.load is not None)

    def _deliver(self, name: str, boot: str, number: int, orders: list[Order]) -> bool:
        """Repeat until they are taken, or were for a boot that is over."""
        while name == self.name and not self._closing.is_set():
            try:
                ray.get(self._handle.ask.remote("take", name, boot, number, orders))
                return True
            except (RayError, ConnectionError) as error:
                log.info("machine %d took no orders: %s", self.place, _first_line(error))
                self._closing.wait(_RETRY_S)
            except Exception:
                log.exception("orders for machine %d could not be sent", self.place)
                return True
        return False


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
