"""The Ray actor that is a machine of the lab."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError

from tl_core.cluster.messages import About, Known, News
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.settings import Settings

if TYPE_CHECKING:
    from tl_core.cluster.host import Host

log = logging.getLogger(__name__)

_FETCH_S = 120.0  # for photographs or a model to come from another node
_LOST = N_("The data for this was lost with one of the cluster's machines. Please try again.")


class LabActor:
    """A ``Host`` behind two methods; where it cannot start, it says so instead of dying."""

    def __init__(self, cores: int, memory_share: float) -> None:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        from tl_core.cluster.host import Host  # here: an app server loads no torch

        self._host: Host | None = None
        self._refusal: UserError | None = None
        try:
            settings = Settings.from_env(memory_share=memory_share)
            settings = replace(settings, exit_on_hang=True)  # Ray starts it again
            address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
            node = f"{socket.gethostname()} {address}"
            self._host = Host(settings, node=node, cores=cores, fetch=_fetched)
        except UserError as error:
            self._refusal = error

    @ray.method(concurrency_group="other")
    def about(self) -> About | UserError:
        """What this machine is, or why it can run nothing."""
        return self._refusal or self._started().about()

    @ray.method(concurrency_group="news")
    def news(self, server: str, known: Known, wait_s: float) -> News:
        """Wait for what is new."""
        return self._started().news(server, known, wait_s)

    @ray.method(concurrency_group="other")
    def ask(self, method: str, *arguments: Any) -> Any:
        """Call any other method of the host."""
        return getattr(self._started(), method)(*arguments)

    def _started(self) -> Host:
        if self._host is None:
            raise RuntimeError(f"this machine could not start: {self._refusal}")
        return self._host


def _fetched(refs: Any) -> Any:
    """Get what is in the object store.

    Raises:
        UserError: If it is no longer there.
    """
    try:
        return ray.get(refs, timeout=_FETCH_S)
    except RayError as error:
        log.warning("nothing came from the object store: %s", error)
        raise UserError(_LOST) from error
