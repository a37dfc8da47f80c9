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

from tl_core.commands import look, make, teach
from tl_core.commands.common import Result, finished, show_line
from tl_core.errors import UserError
from tl_core.lab import BackboneState, Lab, Settings
from tl_core.specs import (
    ATTACK_METHODS,
    ATTRIBUTION_METHODS,
    DEFAULT_BACKBONE,
    MODES,
    Download,
    ImportData,
    ImportSnapshot,
    Snapshot,
)
from tl_core.specs.download import DownloadProgress

_PACKAGES = ("streamlit", "torch", "torchvision", "timm", "captum", "pillow", "plotly")
_BENCHES = Path(__file__).parents[2] / "tests" / "bench"


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status: 0 for success, 2 for a user's mistake."""
    if arguments[:1] == ["bench"]:
        return _bench(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        with Lab(_settings(options)) as lab:
            result, text = options.command(lab, options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(json.dumps(result) if options.json else text)
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    """The environment's, except that a command may name where its data are."""
    settings = Settings.from_env()
    data: Path | None = getattr(options, "data", None)
    return settings if data is None else teach.beside(data, settings)


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
    prepare = add("prepare", _prepare, "download weights and data sets before the class arrives")
    prepare.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a backbone or a data set; all backbones if none is named",
    )
    classify = add("classify", look.classify, "say what is on a photograph")
    classify.add_argument("image", type=Path, metavar="IMAGE")
    classify.add_argument("--top", type=int, default=5, metavar="N")
    features = add("features", look.features, "write a layer's most active feature maps")
    features.add_argument("image", type=Path, metavar="IMAGE")
    features.add_argument("--layer", default="", metavar="L", help="the first one if not named")
    features.add_argument("--top", type=int, default=16, metavar="N")
    features.add_argument("--out", type=Path, required=True, metavar="GRID.png")
    attribute = add("attribute", look.attribute, "write a map of the reasons for a class")
    attribute.add_argument("image", type=Path, metavar="IMAGE")
    methods = [row.key for row in ATTRIBUTION_METHODS]
    attribute.add_argument("--method", default="gradcam", choices=methods)
    attribute.add_argument("--target", default="", metavar="C", help="class index or name")
    attribute.add_argument("--layer", default="", metavar="L", help="for the CAM methods")
    attribute.add_argument("--out", type=Path, required=True, metavar="OVERLAY.png")
    ideal = add("ideal", make.ideal, "draw what a network would most like to see")
    ideal.add_argument("--target", default="", metavar="C", help="class index or name")
    ideal.add_argument("--steps", type=int, default=256, metavar="N")
    ideal.add_argument("--tv", type=float, metavar="W", help="total-variation weight")
    ideal.add_argument("--spec", type=Path, metavar="FILE.json", help="replay saved settings")
    ideal.add_argument("--photo", type=Path, metavar="IMAGE", help="start from it, not from noise")
    ideal.add_argument("--out", type=Path, required=True, metavar="PICTURE.png")
    attack = add("attack", make.attack, "make a photograph be seen as something else")
    attack.add_argument("image", type=Path, metavar="IMAGE")
    attack.add_argument("--target", required=True, metavar="C", help="class index or name")
    attack.add_argument("--epsilon", type=int, default=1, metavar="E", help="levels of 1/255")
    attack.add_argument("--steps", type=int, default=60, metavar="N")
    attack.add_argument("--method", default="pgd", choices=list(ATTACK_METHODS))
    attack.add_argument("--out", type=Path, required=True, metavar="PICTURE.png")
    attack.add_argument(
        "--original", type=Path, metavar="PICTURE.png", help="as the network saw it"
    )
    train = add("train", teach.train, "teach a network the classes of a folder")
    train.add_argument("--data", type=Path, metavar="DIR", help="a folder per class")
    train.add_argument(
        "--spec",
        type=Path,
        metavar="FILE.json",
        help="all settings of training, as the page hands them out; beside it only --data counts",
    )
    train.add_argument("--mode", default="head", choices=[row.key for row in MODES])
    train.add_argument("--epochs", type=int, default=0, metavar="N", help="0: the mode's own")
    train.add_argument(
        "--photos-per-class", type=int, default=0, metavar="N", help="to learn from; 0: all"
    )
    train.add_argument("--out", type=Path, required=True, metavar="MODEL.safetensors")
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


def _doctor(lab: Lab, _options: argparse.Namespace) -> Result:
    settings, status = lab.settings, lab.status()
    lab.backbones.finish_checks()
    folder = next(p for p in (settings.weights_dir, *settings.weights_dir.parents) if p.exists())
    result = {
        "device": status.device,
        "ready": lab.readiness() or "yes",
        "profile": settings.profile,
        "memory_mb": status.memory_mb,
        "versions": {"python": sys.version.split()[0]}
        | {name: version(name) for name in _PACKAGES},
        "weights_dir": str(settings.weights_dir),
        "data_dir": str(settings.data_dir),
        "free_disk_mb": shutil.disk_usage(folder).free // 2**20,
        "backbones": {found.row.key: str(found.state) for found in lab.backbones.rows()},
        "datasets": {entry.key: entry.state for entry in lab.datasets.rows()},
    }
    lines = [f"{name:<14}{value}" for name, value in result.items() if not isinstance(value, dict)]
    lines += ["", "versions"]
    lines += [f"  {name:<22}{value}" for name, value in result["versions"].items()]  # type: ignore[attr-defined]
    lines += ["", "backbones"]
    for found in lab.backbones.rows():
        hint = ""
        if found.state is BackboneState.DOWNLOADABLE:
            size = found.row.source.size_mb
            hint = f"  {size:,.0f} MB: python -m tl_core prepare {found.row.key}"
        if found.state is BackboneState.DAMAGED:
            hint = f"  get it again: python -m tl_core prepare {found.row.key}"
        lines.append(f"  {found.row.key:<22}{found.state}{hint}")
    lines += ["", "data sets"]
    for entry in lab.datasets.rows():
        hint = ""
        if entry.state == "can be downloaded" and entry.row is not None:
            size = entry.row.download_bytes / 2**20
            hint = f"  {size:,.0f} MB: python -m tl_core prepare {entry.key}"
        lines.append(f"  {entry.key:<24}{entry.state}{hint}")
    return result, "\n".join(lines)


def _prepare(lab: Lab, options: argparse.Namespace) -> Result:
    states = {found.row.key: found.state for found in lab.backbones.rows()}
    names = options.names or [
        key for key, state in states.items() if state is not BackboneState.TOO_LARGE
    ]
    datasets = {entry.key: entry.state for entry in lab.datasets.rows()}
    for name in names:
        if name in datasets and name not in states:
            if datasets[name] == "can be downloaded":
                finished(lab, ImportData(dataset=name), show=_progress_line)
        elif states.get(name) is not BackboneState.READY:
            finished(lab, Download(name=name), show=_progress_line)
    return {"ready": names}, "Ready: " + ", ".join(names)


def _progress_line(snapshot: Snapshot) -> None:
    if isinstance(snapshot, DownloadProgress):
        done, total = snapshot.received_bytes / 2**20, (snapshot.total_bytes or 0) / 2**20
        show_line(f"{done:,.0f} of {total:,.0f} MB")
    if isinstance(snapshot, ImportSnapshot):
        share = snapshot.step / max(snapshot.steps, 1)
        show_line(f"{snapshot.phase}: {share:.1%}")
