"""The commands that teachers and tests use; each prints text, or one JSON object with --json."""

import argparse
import importlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tl_core.errors import UserError
from tl_core.lab import BackboneState, Job, JobState, Lab
from tl_core.specs import (
    DEFAULT_BACKBONE,
    Classification,
    Classify,
    Download,
    DownloadProgress,
    Snapshot,
    Spec,
)

_OWNER = "command line"
_POLL_S = 0.2
_BENCHES = Path(__file__).parents[1] / "tests" / "bench"
_PACKAGES = ("streamlit", "torch", "torchvision", "timm", "captum", "pillow", "plotly")


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status: 0 for success, 2 for a user's mistake."""
    if arguments[:1] == ["bench"]:
        return _bench(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        with Lab() as lab:
            result, text = options.command(lab, options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(json.dumps(result) if options.json else text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tl_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[..., Any], summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(command=command)
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        sub.add_argument("--backbone", default=DEFAULT_BACKBONE, metavar="B")
        sub.add_argument("--seed", type=int, default=0, metavar="S")
        return sub

    add("doctor", _doctor, "say what this machine has, and how to get what is missing")
    prepare = add("prepare", _prepare, "download weights before the class arrives")
    prepare.add_argument("names", nargs="*", metavar="NAME", help="all backbones if none is named")
    classify = add("classify", _classify, "say what is on a photograph")
    classify.add_argument("image", type=Path, metavar="IMAGE")
    classify.add_argument("--top", type=int, default=5, metavar="N")
    commands.add_parser("bench", help="measure the figures that the README quotes")
    return parser


def _bench(arguments: Sequence[str]) -> int:
    """Run ``tests/bench/NAME.py`` with the rest of the arguments; without a name, list them."""
    names = sorted(path.stem for path in _BENCHES.glob("[a-z]*.py"))
    if not arguments or arguments[0] not in names:
        print("usage: python -m tl_core bench NAME, with NAME one of:", *names, file=sys.stderr)
        return 2
    run = importlib.import_module(f"tests.bench.{arguments[0]}").main
    return int(run(arguments[1:]))


def _doctor(lab: Lab, _options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    settings, status = lab.settings, lab.status()
    folder = next(p for p in (settings.weights_dir, *settings.weights_dir.parents) if p.exists())
    result = {
        "device": status.device,
        "profile": settings.profile,
        "memory_mb": status.memory_mb,
        "versions": {"python": sys.version.split()[0]}
        | {name: version(name) for name in _PACKAGES},
        "weights_dir": str(settings.weights_dir),
        "data_dir": str(settings.data_dir),
        "free_disk_mb": shutil.disk_usage(folder).free // 2**20,
        "backbones": {found.row.key: str(found.state) for found in lab.backbones()},
    }
    lines = [f"{name:<14}{value}" for name, value in result.items() if not isinstance(value, dict)]
    lines += ["", "versions"]
    lines += [f"  {name:<22}{value}" for name, value in result["versions"].items()]  # type: ignore[attr-defined]
    lines += ["", "backbones"]
    for found in lab.backbones():
        hint = ""
        if found.state is BackboneState.DOWNLOADABLE:
            size = found.row.source.size_mb
            hint = f"  {size:,.0f} MB: python -m tl_core prepare {found.row.key}"
        lines.append(f"  {found.row.key:<22}{found.state}{hint}")
    return result, "\n".join(lines)


def _prepare(lab: Lab, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    states = {found.row.key: found.state for found in lab.backbones()}
    names = options.names or [
        key for key, state in states.items() if state is not BackboneState.TOO_LARGE
    ]
    for name in names:
        if states.get(name) is not BackboneState.READY:
            _finished(lab, Download(name=name), show=_progress_line)
    return {"ready": names}, "Ready: " + ", ".join(names)


def _classify(lab: Lab, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    photo = lab.add_photo(_read(options.image), _OWNER)
    spec = Classify(photo=photo, backbone=options.backbone, seed=options.seed, top=options.top)
    answer = _finished(lab, spec)
    assert isinstance(answer, Classification)  # narrows for the type checker
    result = {
        "backbone": options.backbone,
        "milliseconds": round(answer.milliseconds, 1),
        "answers": [
            {"index": found.index, "label": found.label, "probability": found.probability}
            for found in answer.answers
        ],
    }
    lines = [f"{found.probability:7.1%}  {found.label}" for found in answer.answers]
    return result, "\n".join(lines)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            "{path} cannot be read ({reason}). Check the name of the file.",
            path=path,
            reason=error.strerror,
        ) from error


def _finished(
    lab: Lab, spec: Spec, *, show: Callable[[Snapshot], None] = lambda _snapshot: None
) -> Snapshot:
    """Run a spec to its end and return its last snapshot, calling ``show`` on the way."""
    job = lab.submit(spec, _OWNER)
    while not job.wait(_POLL_S):
        if job.snapshot is not None:
            show(job.snapshot)
    return _result(job)


def _result(job: Job) -> Snapshot:
    if job.error is not None:
        raise job.error
    if job.state is not JobState.DONE or job.snapshot is None:
        raise UserError("The work was stopped before it was done. Start it again.")
    return job.snapshot


def _progress_line(snapshot: Snapshot) -> None:
    if isinstance(snapshot, DownloadProgress) and sys.stderr.isatty():
        done, total = snapshot.received_bytes / 2**20, (snapshot.total_bytes or 0) / 2**20
        print(f"\r{done:,.0f} of {total:,.0f} MB", end="", file=sys.stderr)
