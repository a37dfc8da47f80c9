"""The data sets that machines have, for an app server that has none."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, cast

from tl_core.cluster.client import MachineClient
from tl_core.cluster.placement import files_of
from tl_core.datasets.catalogue import DATASETS, DataArchive
from tl_core.datasets.store import DatasetStatus, DatasetStore
from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_

_NO_MACHINE = N_("None of the cluster's machines has that data set right now. Please try again.")


class ClusterDatasets:
    """The ``DatasetFiles`` of an app server: what installed packages hold is here."""

    def __init__(
        self, clients: Callable[[], Sequence[MachineClient]], packaged: DatasetStore
    ) -> None:
        self._clients = clients
        self._packaged = packaged

    def entries(self) -> list[DatasetStatus]:
        """What there is to choose from: ready where one machine has it."""
        found: dict[str, DatasetStatus] = {}
        for client in self._clients():
            for entry in client.disk.datasets if client.disk else ():
                if entry.key not in found or entry.state == "ready":
                    found[entry.key] = entry
        return list(found.values()) or self._unknown()

    def classes(self, key: str) -> tuple[str, ...]:
        """The names of a data set's classes; none where no machine has it."""
        return cast("tuple[str, ...]", self._ask(key, "classes", key, other=()))

    def names(self, key: str, class_name: str) -> list[str]:
        """The photographs of one class, by their names in the data set."""
        return cast("list[str]", self._ask(key, "names", key, class_name, other=[]))

    def read(self, key: str, name: str) -> bytes:
        """The file of one photograph.

        Raises:
            UserError: If there is no such photograph.
        """
        data = self._ask(key, "read", key, name, other=None)
        if data is None:
            raise UserError(_NO_MACHINE)
        return cast(bytes, data)

    def stamp(self, key: str) -> Hashable:
        """Return what changes when a file comes into the data set's folder, or goes."""
        return cast(Hashable, self._ask(key, "stamp", key, other=None))

    def _ask(self, key: str, method: str, *arguments: Any, other: Any) -> Any:
        if self._packaged.packaged(key) is not None:
            return getattr(self._packaged, method)(*arguments)
        client = next(
            (client for client in self._clients() if client.is_usable and key in files_of(client)),
            None,
        )
        return other if client is None else client.ask("dataset", method, *arguments)

    def _unknown(self) -> list[DatasetStatus]:
        """What is known before a machine has answered."""
        return [
            DatasetStatus(
                row.key,
                row.label,
                "can be downloaded" if isinstance(row.source, DataArchive) else "ready",
                row,
            )
            for row in DATASETS
        ]
