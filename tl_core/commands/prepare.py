"""Download weights and data sets before the class arrives."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from tl_core.commands.common import run_to_end
from tl_core.commands.output import Result, show_line
from tl_core.errors import UserError
from tl_core.lab import BackboneState, Lab, Settings
from tl_core.specs.base import Snapshot
from tl_core.specs.datasets import ImportData, ImportSnapshot
from tl_core.specs.download import Download, DownloadProgress


def add_arguments(parser: ArgumentParser) -> None:
    """What to get."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a backbone or a data set; all backbones if none is named",
    )


def run(options: Namespace) -> Result:
    """Get what is named and not here yet, one after the other; a failure stops none of the rest."""
    with Lab(Settings.from_env()) as lab:
        return _get(lab, options.names)


def _get(lab: Lab, wanted: Sequence[str]) -> Result:
    states = {found.row.key: found.state for found in lab.backbones.rows()}
    names = wanted or [key for key, state in states.items() if state is not BackboneState.TOO_LARGE]
    failed: dict[str, str] = {}
    for name in names:
        try:
            _prepare(lab, name, states.get(name))
        except UserError as error:
            failed[name] = str(error)
    ready = [name for name in names if name not in failed]
    return Result(
        {"ready": ready, "failed": failed},
        "Ready: " + ", ".join(ready) if ready else "",
        tuple(f"Not ready: {name}. {reason}" for name, reason in failed.items()),
        status=2 if failed else 0,
    )


def _prepare(lab: Lab, name: str, state: BackboneState | None) -> None:
    datasets = {entry.key: entry.state for entry in lab.datasets.rows()}
    if name in datasets and state is None:
        if datasets[name] == "can be downloaded":
            run_to_end(lab, ImportData(dataset=name), show=_progress_line)
    elif state is not BackboneState.READY:
        run_to_end(lab, Download(name=name), show=_progress_line)


def _progress_line(snapshot: Snapshot) -> None:
    if isinstance(snapshot, DownloadProgress):
        done, total = snapshot.received_bytes / 2**20, (snapshot.total_bytes or 0) / 2**20
        show_line(f"{done:,.0f} of {total:,.0f} MB")
    if isinstance(snapshot, ImportSnapshot):
        share = snapshot.step / max(snapshot.steps, 1)
        show_line(f"{snapshot.phase}: {share:.1%}")
