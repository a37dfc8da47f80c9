"""Serve a folder that ``mirror`` has filled, to a class at once; ranges are starlette's."""

import html
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tl_core.commands.output import Result, remark
from tl_core.errors import UserError
from tl_core.machine.addresses import own_addresses


def serve(folder: Path, port: int) -> Result:
    """Say what to type on other machines, and serve until Ctrl+C.

    Raises:
        UserError: If there is no such folder, or the port is taken.
    """
    if not folder.is_dir():
        raise UserError(
            "{path} is no folder. Fill it first: python -m tl_core mirror {path}", path=folder
        )
    try:
        listener = socket.create_server(("", port))
    except (OSError, OverflowError) as error:
        raise UserError(
            "Port {port} cannot be served ({reason}). Choose another with --port.",
            port=port,
            reason=error,
        ) from error
    port = listener.getsockname()[1]
    bases = [f"http://{address}:{port}" for address in own_addresses() or ["localhost"]]
    remark(f"Serving {folder} at {' '.join(bases)} until Ctrl+C. On the other machine:\n")
    remark(instructions(folder, bases[0]))
    config = uvicorn.Config(application(folder), log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])
    return Result({"served": str(folder), "port": port}, "")


def instructions(folder: Path, base: str) -> str:
    """What to type on another machine to install and run the lab from ``base`` alone."""
    host = base.partition("://")[2].partition(":")[0]
    lines = ["  # the lab was not packed: copy its folder to this machine, and go into it"]
    if (folder / "lab.zip").is_file():
        lines = [f"  curl -O {base}/lab.zip", "  python3 -m zipfile -e lab.zip .", "  cd lab"]
    requirements = folder / "wheels" / "requirements.txt"
    if requirements.is_file():
        lines += [
            f"  python3 -m venv .venv  {requirements.read_text().splitlines()[0]}",
            "  .venv/bin/python -m pip install --no-index "
            f"--find-links {base}/wheels/ --trusted-host {host} -r requirements.txt",
        ]
    return "\n".join(
        [
            *lines,
            f"  export TL_MIRROR={base}",
            "  .venv/bin/python -m tl_core prepare",
            "  .venv/bin/python -m streamlit run streamlit_app.py\n",
        ]
    )


def application(folder: Path) -> Starlette:
    """The files that lie in ``folder`` and in its ``wheels/``, and of no other folder."""

    def start(request: Request) -> Response:
        return PlainTextResponse(instructions(folder, str(request.base_url).rstrip("/")))

    def wheels(_request: Request) -> Response:
        links = (
            f'<a href="{quote(name)}">{html.escape(name)}</a><br>'
            for name in sorted(_files(folder / "wheels"))
        )
        return HTMLResponse("<!doctype html><title>wheels</title>" + "\n".join(links))

    return Starlette(
        routes=[
            Route("/", start),
            Route("/wheels/", wheels),
            Route("/wheels/{name}", _sender(folder / "wheels")),
            Route("/{name}", _sender(folder)),
        ]
    )


def _sender(folder: Path) -> Callable[[Request], Response]:
    def send(request: Request) -> Response:
        file = _files(folder).get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return FileResponse(file, stat_result=file.stat())

    return send


def _files(folder: Path) -> dict[str, Path]:
    """By name, so that no address leads out of the folder; hidden ones are left out."""
    if not folder.is_dir():
        return {}
    return {
        file.name: file
        for file in folder.iterdir()
        if file.is_file() and not file.name.startswith(".")
    }
