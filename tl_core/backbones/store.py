"""Every network in memory: pretrained ones, loaded from disk, and the models of visitors."""

import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import count

import torch

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import imagenet_classes, pretrained
from tl_core.backbones.catalogue import CATALOGUE, BackboneRow, row_of
from tl_core.backbones.sharing import unshared_bytes
from tl_core.backbones.weights import WeightsFiles
from tl_core.errors import UserError
from tl_core.machine.byte_cache import ByteCache
from tl_core.settings import Settings


@dataclass(frozen=True)
class OwnModel:
    """A visitor's fine-tuned network; tensors that training did not change are shared."""

    backbone: Backbone
    owner: str
    size_bytes: int  # of what is not shared, without a folded copy
    number: int = field(default_factory=count().__next__)  # grows from model to model


class BackboneStore:
    """Every network of one lab, at most one copy of each; thread-safe.

    ``load`` may run beside the worker. The modules it hands out belong to the worker alone. What
    asks for a key raises ``UserError`` where there is no such backbone.
    """

    def __init__(
        self,
        settings: Settings,
        device: torch.device,
        catalogue: tuple[BackboneRow, ...] = CATALOGUE,
    ) -> None:
        self.settings = settings
        self.device = device
        self.rows = {row.key: row for row in catalogue}
        self.weights = WeightsFiles(settings)
        self._loaded = ByteCache[Backbone | None](settings.network_memory_mb * 2**20)
        self._own: OrderedDict[str, OwnModel] = OrderedDict()
        self._lock = threading.RLock()
        self._loading = threading.Lock()

    def __contains__(self, key: str) -> bool:
        """Whether there is such a backbone, or such a model of a visitor."""
        return key in self.rows or key in self._own

    def row(self, key: str) -> BackboneRow:
        """The catalogue's row for ``key``; a visitor's own model has its backbone's row."""
        own = self._own.get(key)
        if own is not None:
            return own.backbone.row
        return row_of(key, self.rows)

    def classes(self, key: str) -> tuple[str, ...]:
        """The class names of ``key``: ImageNet's, or those a visitor's model was trained on."""
        self.row(key)
        own = self._own.get(key)
        return own.backbone.classes if own is not None else imagenet_classes()

    def fits(self, row: BackboneRow) -> bool:
        """Whether the profile has the memory for this backbone."""
        return row.needs_memory_mb <= self.settings.network_memory_mb

    def ready(self) -> list[BackboneRow]:
        """The rows that can be used now, in the catalogue's order."""
        return [row for row in self.rows.values() if self.fits(row) and self.weights.is_ready(row)]

    def loaded(self, key: str) -> Backbone | None:
        """The backbone if it is in memory, marked as just used."""
        with self._lock:
            if key in self._own:
                self._own.move_to_end(key)
                self._make_room(beside=key)
                return self._own[key].backbone
        return self._loaded.get(key)

    def load(self, key: str) -> Backbone:
        """The backbone, read from disk where needed; the least recently used make room.

        Raises:
            UserError: If it is unknown, not on disk, too large for the profile or unreadable.
        """
        with self._loading:  # two visitors asking at once load it once
            ready = self.loaded(key)
            if ready is not None:
                return ready
            row = self.row(key)
            self._require_usable(row)
            size_bytes = row.needs_memory_mb * 2**20
            self._loaded.put(key, None, size_bytes)  # makes room before the network takes it
            backbone = pretrained(row, self.weights.path(row), self.device)
            self._loaded.put(key, backbone, size_bytes)
            return backbone

    def adopt(self, key: str, model: OwnModel) -> None:
        """Keep a visitor's model under ``key``.

        When memory is short, others leave: of whoever holds most, the longest unused. Folded
        copies, which can be made again, leave first.

        Raises:
            UserError: If the model alone is larger than the budget.
        """
        budget = self.settings.model_memory_mb * 2**20
        if model.size_bytes > budget:
            raise UserError(
                "This model needs {size} MB, but the lab keeps at most {budget} MB of visitors' "
                "models. Unfreeze fewer layers.",
                size=model.size_bytes // 2**20,
                budget=self.settings.model_memory_mb,
            )
        base = self._loaded.get(model.backbone.row.key)
        if base is not None:
            model = replace(model, backbone=_grown_from(base, model.backbone))
        with self._lock:
            self._own[key] = model
            self._make_room(beside=key)

    def held(self) -> Counter[str]:
        """Bytes of each visitor's models, with the folded copies that were made of them."""
        held: Counter[str] = Counter()
        with self._lock:
            for own in self._own.values():
                held[own.owner] += own.size_bytes + own.backbone.folded_bytes
        return held

    def _make_room(self, beside: str) -> None:
        """Keep the budget: first folded copies leave, then models, but nothing of ``beside``.

        Folded copies are made after their models were adopted, so each use of one comes here.
        """
        budget = self.settings.model_memory_mb * 2**20

        def of_who_holds_most(keys: list[str]) -> str:
            held = self.held()
            return max(keys, key=lambda key: held[self._own[key].owner])

        while self.held().total() > budget:
            folded = [key for key in self._own if self._own[key].backbone.folded_bytes]
            if not (others := [key for key in folded if key != beside]):
                break
            self._own[of_who_holds_most(others)].backbone.drop_folded()
        while sum(own.size_bytes for own in self._own.values()) > budget:
            del self._own[of_who_holds_most([key for key in self._own if key != beside])]

    def own_models(self, owner: str) -> list[Backbone]:
        """The visitor's models in memory, oldest first."""
        with self._lock:  # they lie in the order of their use
            found = [own for own in self._own.values() if own.owner == owner]
        return [own.backbone for own in sorted(found, key=lambda own: own.number)]

    def rename(self, key: str, label: str, classes: tuple[str, ...]) -> None:
        """Call a visitor's model and its classes otherwise; nothing is learned anew.

        An empty label, or no classes, leave what is.

        Raises:
            UserError: If the model is no longer in memory.
            ValueError: If there are more or fewer classes than it has.
        """
        with self._lock:
            own = self.own(key)
            known = own.backbone
            if classes and len(classes) != len(known.classes):
                raise ValueError(f"classes must be {len(known.classes)}, got {len(classes)}")
            renamed = replace(known, label=label or known.label, classes=classes or known.classes)
            self._own[key] = replace(own, backbone=renamed)

    def drop(self, key: str) -> None:
        """Drop a visitor's model, if it is there."""
        with self._lock:
            self._own.pop(key, None)

    def own(self, key: str) -> OwnModel:
        """A visitor's model, with whose it is."""
        with self._lock:
            self.row(key)
            return self._own[key]

    def loaded_keys(self) -> frozenset[str]:
        """The networks that are in memory, visitors' own among them."""
        with self._lock:
            return frozenset([*map(str, self._loaded.keys()), *self._own])

    def owned(self, owners: Collection[str]) -> list[OwnModel]:
        """The models of some visitors, in no order."""
        with self._lock:
            return [own for own in self._own.values() if own.owner in owners]

    def forget(self, owner: str) -> None:
        """Drop the models of a visitor who left."""
        with self._lock:
            for key in [key for key, own in self._own.items() if own.owner == owner]:
                del self._own[key]

    def _require_usable(self, row: BackboneRow) -> None:
        if not self.fits(row):
            raise UserError(
                "{label} needs {needs} MB of memory, but this server allows only {budget} MB. "
                "Choose a smaller backbone.",
                label=row.label,
                needs=row.needs_memory_mb,
                budget=self.settings.network_memory_mb,
            )
        self.weights.check(row)
        self.weights.require(row)


def _grown_from(base: Backbone, model: Backbone) -> Backbone:
    """The model with what it shares with ``base``: the whole body where only the head is new."""
    is_same = not unshared_bytes(model.body, [base.body])
    return replace(model, body=base.body if is_same else model.body, base=weakref.ref(base))
