"""Say what will fail tomorrow, then what this machine has and how to get what is missing."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from tl_core.commands import machine
from tl_core.commands.health import PREPARE, examine
from tl_core.commands.output import Result
from tl_core.errors import UserError
from tl_core.fetching import free_bytes
from tl_core.imageopt.precision import known
from tl_core.lab import (
    BackboneState,
    BackboneStatus,
    DatasetStatus,
    Lab,
    MachineStatus,
    MemoryRow,
)
from tl_core.machine.device import choose_device
from tl_core.settings import Settings

_PACKAGES = ("streamlit", "torch", "torchvision", "timm", "captum", "pillow", "plotly")


def add_arguments(_parser: ArgumentParser) -> None:
    """There are none but those of every command."""


def run(_options: Namespace) -> Result:
    """Try everything; files of weights are read where nobody has yet. Status 1: something fails."""
    load = machine.OthersLoad()
    lab, device_error = _start(Settings.from_env())
    with lab:
        problems, notes = examine(machine.look(lab, load, device_error=device_error))
        machine_facts, lines = _describe(lab)
    head = ["This will fail:"] if problems else ["Nothing will fail."]
    head += [f"{number:>3}. {problem}" for number, problem in enumerate(problems, start=1)]
    head += ["\nGood to know:"] if notes else []
    head += [f"  - {note}" for note in notes]
    return Result(
        {"problems": problems, "notes": notes} | machine_facts,
        "\n".join([*head, "", *lines]),
        status=1 if problems else 0,
    )


def _start(settings: Settings) -> tuple[Lab, str]:
    """A lab on the device or cluster that was asked for; else one on the CPU, and why."""
    try:
        return Lab(settings), ""
    except UserError as error:
        return Lab(replace(settings, device="cpu", cluster="auto")), str(error)


def _describe(lab: Lab) -> tuple[dict[str, Any], list[str]]:
    """What this machine has, for --json and in lines."""
    settings, status = lab.settings, lab.status()
    backbones, datasets = lab.backbones.rows(), lab.datasets.rows()
    machines, kept = lab.machines(), lab.memory.rows()
    held, budget = sum(row.held_bytes for row in kept), sum(row.budget_bytes for row in kept)
    together = MemoryRow("together", held, budget)
    versions = {"python": sys.version.split()[0]} | {
        name: machine.installed(name) or "not installed" for name in _PACKAGES
    }
    drawn_in = {
        row.row.key: known(settings.cache_dir, choose_device(settings.device), [row.row])
        for row in backbones
        if row.state is BackboneState.READY
    }
    result: dict[str, Any] = {
        "device": status.device,
        "ready": lab.readiness() or "yes",
        "profile": settings.profile,
        "memory_mb": status.memory_mb,
        "versions": versions,
        "weights_dir": str(settings.weights_dir),
        "data_dir": str(settings.data_dir),
        "free_disk_mb": free_bytes(settings.weights_dir) // 2**20,
        "kept_for_visitors_mb": {
            row.kind: {"now": row.held_bytes // 2**20, "most": row.budget_bytes // 2**20}
            for row in kept
        },
        "share_mb": settings.visitor_memory_mb,
        "machines": {one.name: asdict(one) for one in machines},
        "backbones": {found.row.key: str(found.state) for found in backbones},
        "datasets": {entry.key: entry.state for entry in datasets},
        "drawn_in": drawn_in,
    }
    lines = [
        *(f"{key:<14}{value}" for key, value in result.items() if not isinstance(value, dict)),
        "\nversions",
        *_table(versions),
        "\nkept for visitors, MB now and at most",
        *(
            f"  {row.kind:<22}{row.held_bytes / 2**20:>8,.0f}{row.budget_bytes / 2**20:>8,.0f}"
            for row in (*kept, together)
        ),
        *(["\nmachines of the cluster"] if machines else []),
        *map(_machine_line, machines),
        "\nbackbones",
        *_table({row.row.key: f"{row.state}{_backbone_hint(row)}" for row in backbones}),
        "\npictures are drawn in",
        *_table({key: found or "what proves quicker" for key, found in drawn_in.items()}),
        "\ndata sets",
        *_table({entry.key: f"{entry.state}{_dataset_hint(entry)}" for entry in datasets}),
    ]
    return result, lines


def _table(rows: Mapping[str, str]) -> list[str]:
    return [f"  {name:<{max(map(len, rows))}}  {value}" for name, value in rows.items()]


def _machine_line(one: MachineStatus) -> str:
    if one.trouble:
        return f"  {one.name:<12}{one.node}  {one.trouble}"
    loaded = ", ".join(one.loaded) or "no network"
    runs = f"{one.runs} runs, {one.waiting} of them waiting"
    return f"  {one.name:<12}{one.node}  {one.device}  {loaded} in memory; {runs}"


def _backbone_hint(found: BackboneStatus) -> str:
    if found.state is BackboneState.DOWNLOADABLE:
        size = found.row.source.size_mb
        return f"  {size:,.0f} MB: {machine.how_to_get(found.row)}"
    if found.state is BackboneState.DAMAGED:
        return f"  get it again: {machine.how_to_get(found.row)}"
    return ""


def _dataset_hint(entry: DatasetStatus) -> str:
    if entry.state != "can be downloaded" or entry.row is None:
        return ""
    return f"  {entry.row.download_bytes / 2**20:,.0f} MB: {PREPARE} {entry.key}"
