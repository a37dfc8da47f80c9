"""What will fail on this machine and what is good to know, from facts; the gravest first.

Each check is a function from facts to one finding, or to None where all is well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tl_core.commands.output import PYTHON
from tl_core.lab import MachineStatus

INSTALL = f"{PYTHON} -m pip install -r requirements.txt"
PREPARE = f"{PYTHON} -m tl_core prepare"
PORT = 8501  # Streamlit's
_CLASS_TABS = 40  # a class of thirty, with some tabs more
_LEAST_MEMORY_MB = 512  # beside the lab itself
_SWAPPED_MB = 512
_BUSY = 0.3  # share of the processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found out about this machine."""

    packages: tuple[str, ...]  # "timm is missing", "torch 2.13.0 instead of 2.14.1"
    lab_errors: tuple[str, ...]  # why it does not start, does not answer, or hangs at its port
    machines: tuple[MachineStatus, ...]  # of a cluster
    free_memory_mb: int
    kept_memory_mb: int  # the most that all kinds together may take
    swapped_mb: int
    is_port_taken: bool  # by another program
    tabs: int | None  # that can be open at once; None: no limit
    folders: Mapping[str, str]  # what stops writing; empty if nothing, by variable
    damaged_networks: Mapping[str, str]  # what to type, by network
    absent_networks: tuple[str, ...]  # can be downloaded
    absent_datasets: tuple[str, ...]  # the same
    busy: float  # share of the processor that other programs took just now


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has to say."""

    sentence: str
    will_fail: bool = True  # False: good to know


Check = Callable[[Facts], Finding | None]


def _packages(facts: Facts) -> Finding | None:
    if not facts.packages:
        return None
    return Finding(
        "Pages may fail, because packages are missing or of other versions "
        f"({', '.join(facts.packages)}): {INSTALL}"
    )


def _lab(facts: Facts) -> Finding | None:
    if not facts.lab_errors:
        return None
    return Finding(f"The lab cannot start or answer: {' '.join(facts.lab_errors)}")


def _cluster(facts: Facts) -> Finding | None:
    troubled = {one.name: one.trouble.rstrip(".") for one in facts.machines if one.trouble}
    lacking = {one.node: f"lacks {', '.join(one.missing)}" for one in facts.machines if one.missing}
    if not troubled and not lacking:
        return None
    reasons = [f"{name} ({reason})" for name, reason in (troubled | lacking).items()]
    return Finding(
        f"Jobs pass by some of the cluster's machines: {', '.join(reasons)}. Restart those that "
        f"are silent, and get what a node lacks with {PREPARE} NAME",
        will_fail=bool(troubled),
    )


def _memory(facts: Facts) -> Finding | None:
    will_fail = facts.free_memory_mb < _LEAST_MEMORY_MB
    has_budgets = facts.kept_memory_mb <= facts.free_memory_mb
    if not will_fail and has_budgets and facts.swapped_mb < _SWAPPED_MB:
        return None
    then = "The system will end the lab" if will_fail else "The lab may slow down"
    return Finding(
        f"{then} with a full class: it may keep {facts.kept_memory_mb:,} MB, "
        f"{facts.free_memory_mb:,} MB are free, and {facts.swapped_mb:,} MB are swapped to disk. "
        "Close other programs, or set TL_PROFILE=cloud.",
        will_fail,
    )


def _reach(facts: Facts) -> Finding | None:
    reasons = []
    if facts.is_port_taken:
        reasons.append(
            f"Another program has port {PORT}: end it, or start the lab with --server.port and "
            "hand out that address."
        )
    if facts.tabs is not None and facts.tabs < _CLASS_TABS:
        reasons.append(
            f"Only {max(facts.tabs, 0)} tabs can be open: raise the hard limit of open files "
            "(ulimit -Hn, LimitNOFILE of systemd) to 4096."
        )
    if not reasons:
        return None
    return Finding(f"Not everyone in a class will reach the lab. {' '.join(reasons)}")


def _folders(facts: Facts) -> Finding | None:
    is_needed = {
        "TL_WEIGHTS_DIR": facts.absent_networks,
        "TL_DATA_DIR": facts.absent_datasets,
        "TL_CACHE_DIR": True,
    }
    found = [
        f"{name} ({reason})" for name, reason in facts.folders.items() if reason and is_needed[name]
    ]
    if not found:
        return None
    return Finding(
        "Downloads, or what trainings compute, will not be kept, because the lab cannot write to "
        f"the folder of {', '.join(found)}: make it writable, make room on its disk, or set the "
        "variable to another folder."
    )


def _networks(facts: Facts) -> Finding | None:
    absent = [*facts.absent_networks, *facts.absent_datasets]
    names = [*(f"{name} (damaged)" for name in facts.damaged_networks), *absent]
    if not names:
        return None
    commands = [*facts.damaged_networks.values(), *([f"{PREPARE} NAME"] if absent else [])]
    return Finding(
        f"Pages and links cannot use these yet: {', '.join(names)}. "
        f"Get what you need with {' and '.join(commands)}",
        will_fail=bool(facts.damaged_networks),
    )


def _busy(facts: Facts) -> Finding | None:
    if facts.busy < _BUSY:
        return None
    return Finding(
        f"Other programs (a lab that is running counts too) take {facts.busy:.0%} of the "
        "processor and slow the lab down: end them before the class.",
        will_fail=False,
    )


CHECKS: tuple[Check, ...] = (_packages, _lab, _cluster, _memory, _reach, _folders, _networks, _busy)


def examine(facts: Facts) -> tuple[list[str], list[str]]:
    """What will fail, and what is good to know, each the gravest first."""
    found = [finding for check in CHECKS if (finding := check(facts))]
    problems = [finding.sentence for finding in found if finding.will_fail]
    return problems, [finding.sentence for finding in found if not finding.will_fail]
