"""Fill a folder that a room without internet installs and runs the lab from.

In the folder, flat, as ``TL_MIRROR`` expects them: weights and archives of data sets, the lab
itself as ``lab.zip``, and ``install.txt``, which says what to type on another machine. In
``wheels/`` below it: what pip installs. Any web server hands it out; Python has one.
"""

import logging
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from tl_core.backbones.catalogue import CATALOGUE, DownloadableWeights
from tl_core.commands.output import PYTHON, Result, remark, show_line
from tl_core.commands.paths import place
from tl_core.datasets.catalogue import DATASETS, DataArchive
from tl_core.errors import UserError
from tl_core.fetching import CheckedFiles, DownloadRequest, fetch, unknown_download
from tl_core.fetching.disk import writing
from tl_core.machine.addresses import own_addresses
from tl_core.machine.files import write_whole
from tl_core.settings import Settings

log = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[2]
_PORT = 8600
_WHEELS_MB = 3200  # of requirements.txt on Linux, nearly all of it torch with CUDA


def add_arguments(parser: ArgumentParser) -> None:
    """The folder, and what goes into it."""
    parser.add_argument("folder", type=place, metavar="DIR")
    parser.add_argument(
        "names",
        nargs="*",
        default=[],
        metavar="NAME",
        help="a backbone or a data set; all that can be downloaded if none is named",
    )
    parser.add_argument("--no-wheels", action="store_true", help="leave out what pip installs")


def run(options: Namespace) -> Result:
    """Fill the folder; what cannot be had does not stop the rest."""
    settings = Settings.from_env()
    requests = _requests(options.folder, settings, options.names)
    folder = _folder(options.folder)
    _show_sizes(requests, has_wheels=options.no_wheels or _has_wheels(folder))
    checked = CheckedFiles(settings.cache_dir / "checked")
    steps: dict[str, Callable[[], None]] = {
        name: partial(_bring, request, settings.weights_dir, checked)
        for name, request in requests.items()
    }
    if not options.no_wheels:
        steps["wheels"] = partial(bring_wheels, folder)
    if (_ROOT / ".git").exists():  # else it is a copy itself, and can be copied again
        steps["lab.zip"] = partial(_bring_lab, folder)
    host = next(iter(own_addresses()), "localhost")
    steps["install.txt"] = partial(_write_instructions, folder, host)
    return _result(folder, host, steps, _take(steps))


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            "{path} cannot be made a folder ({reason}). Choose another place.",
            path=path,
            reason=error.strerror,
        ) from error
    return path


def _requests(folder: Path, settings: Settings, names: Iterable[str]) -> dict[str, DownloadRequest]:
    """What fetches each of ``names`` into the folder; what comes with a package is left out.

    Raises:
        UserError: If nothing is called that.
    """
    sources = {row.key: row.source for row in CATALOGUE} | {row.key: row.source for row in DATASETS}
    chosen = tuple(names) or tuple(sources)
    for name in chosen:
        if name not in sources:
            raise unknown_download(name, sources)
    keep_free_bytes = settings.keep_free_disk_mb * 2**20
    return {
        name: source.request(folder, settings.mirror, keep_free_bytes)
        for name in chosen
        if isinstance(source := sources[name], DownloadableWeights | DataArchive)
    }


def _show_sizes(requests: Mapping[str, DownloadRequest], *, has_wheels: bool) -> None:
    files = {request.target: (name, request.size_bytes or 0) for name, request in requests.items()}
    sizes_mb = {
        name: size_bytes / 2**20
        for target, (name, size_bytes) in files.items()  # of which two data sets may share one
        if not target.is_file()
    } | ({} if has_wheels else {"wheels": _WHEELS_MB})
    for name, size_mb in sizes_mb.items():
        remark(f"{name:<26}{size_mb:>7,.0f} MB")
    remark(f"{'to fetch, about':<26}{sum(sizes_mb.values()):>7,.0f} MB")


def _take(steps: Mapping[str, Callable[[], None]]) -> dict[str, str]:
    """Take every step; why those failed that did."""
    missing = {}
    for name, step in steps.items():
        try:
            step()
        except UserError as error:
            missing[name] = str(error)
    return missing


def _result(folder: Path, host: str, steps: Iterable[str], missing: Mapping[str, str]) -> Result:
    there = [name for name in steps if name not in missing]
    return Result(
        {"folder": str(folder), "there": there, "missing": dict(missing)},
        f"In {folder}: {', '.join(there) or 'nothing'}\n"
        f"Serve it: {PYTHON} -m http.server {_PORT} --directory {shlex.quote(str(folder))}\n"
        f"What to type on the other machine: http://{host}:{_PORT}/install.txt",
        tuple(f"Missing: {name}. {reason}" for name, reason in missing.items()),
        status=1 if missing else 0,
    )


def _bring(request: DownloadRequest, weights_dir: Path, checked: CheckedFiles) -> None:
    """Put one file into the folder, from this machine's weights where they have it."""
    target, own = request.target, weights_dir / request.target.name
    is_here = not target.exists() and own.is_file() and request.sha256
    if is_here and checked.check(own, request.sha256):
        _link_or_copy(own.resolve(), target)
    if target.is_file() and request.sha256:
        checked.check(target, request.sha256)  # known to fetch, and to the next run, unread

    def show(received: int, total: int | None) -> None:
        show_line(f"{target.name}: {received / 2**20:,.0f} of {(total or 0) / 2**20:,.0f} MB")

    fetch(request, report=show, check=lambda: None)


def _link_or_copy(file: Path, target: Path) -> None:
    """Let a file stand at ``target`` too, whole or not at all."""
    try:
        os.link(file, target)
        return
    except OSError as error:
        log.info("%s is copied, not linked: %s", file, error)  # on another disk, for example
    unfinished = target.with_name(f".{target.name}")
    with writing(target):
        try:
            shutil.copyfile(file, unfinished)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)


def _wheels_of() -> bytes:
    """The requirements whose wheels are in the folder, with the machines they are for."""
    machine = f"# for Python {sysconfig.get_python_version()} on {sysconfig.get_platform()}\n"
    return machine.encode() + (_ROOT / "requirements.txt").read_bytes()


def _has_wheels(folder: Path) -> bool:
    listed = folder / "wheels" / "requirements.txt"
    return listed.is_file() and listed.read_bytes() == _wheels_of()


def bring_wheels(folder: Path) -> None:
    """Have pip download every requirement; ``wheels/`` only appears whole."""
    wheels, unfinished = folder / "wheels", folder / ".wheels"
    if _has_wheels(folder):
        return
    if wheels.is_dir() and not unfinished.exists():
        with writing(wheels):
            wheels.rename(unfinished)  # of others: what is the same need not come again
    command = [sys.executable, "-m", "pip", "download", "--only-binary", ":all:", "--dest"]
    command += [str(unfinished), "-r", str(_ROOT / "requirements.txt")]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise UserError(
            "pip could not download every wheel; its last lines say why. Run this again: what has "
            "arrived is kept."
        )
    with writing(wheels):
        write_whole(unfinished / "requirements.txt", _wheels_of())
        unfinished.rename(wheels)


def _bring_lab(folder: Path) -> None:
    """Write the checkout as it was committed last."""
    command = ["git", "-C", str(_ROOT), "archive", "--format=zip", "--prefix=lab/", "HEAD"]
    try:
        packed = subprocess.run(command, check=True, capture_output=True).stdout
        write_whole(folder / "lab.zip", packed)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(
            "git could not pack the lab ({reason}). Copy the lab's folder instead.", reason=error
        ) from error


def _write_instructions(folder: Path, host: str) -> None:
    with writing(folder / "install.txt"):
        write_whole(folder / "install.txt", instructions(folder, host).encode())


def instructions(folder: Path, host: str) -> str:
    """What to type on another machine to install and run the lab from ``host`` alone."""
    lines = [
        "# SERVER is the machine that serves this folder; change it if its address has changed",
        f"SERVER={host}",
        f"export TL_MIRROR=http://$SERVER:{_PORT}",
    ]
    if (folder / "lab.zip").is_file():
        lines += ["curl -O $TL_MIRROR/lab.zip", "python3 -m zipfile -e lab.zip .", "cd lab"]
    else:
        lines += ["# the lab was not packed: copy its folder to this machine, and go into it"]
    requirements = folder / "wheels" / "requirements.txt"
    if requirements.is_file():
        lines += [
            requirements.read_text().splitlines()[0],
            "python3 -m venv .venv",
            ".venv/bin/python -m pip install --no-index --find-links $TL_MIRROR/wheels/ "
            "--trusted-host $SERVER -r requirements.txt",
        ]
    lines += [
        ".venv/bin/python -m tl_core prepare",
        ".venv/bin/python -m streamlit run streamlit_app.py",
    ]
    return "\n".join(lines) + "\n"
