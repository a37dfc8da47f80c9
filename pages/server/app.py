"""The parts that ``st.App`` is made of."""

import asyncio
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config, net_util

from pages.server import served
from pages.server.ending import Ending
from pages.server.open_files import RoomForTabs, raise_limit
from pages.server.sessions import forget_closed
from pages.server.upload_limits import UploadLimit


def ready(_request: Request) -> Response:
    """Answer 200 while the lab can serve, else 503 and why; before its first visitor it can."""
    problem = served.lab.readiness() if served.lab else ""
    return PlainTextResponse(problem or "ok", 503 if problem else 200)


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Say where the lab is, and end in order."""
    raise_limit()
    ending = Ending()
    if threading.current_thread() is threading.main_thread():
        ending.watch()
    _announce()
    forgetting = asyncio.create_task(forget_closed())
    yield
    forgetting.cancel()
    await asyncio.to_thread(ending.finish)


def _announce() -> None:
    """Print the address for other computers; open the lab where there is a browser."""
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    port = config.get_option("server.port")
    if not config.get_option("server.address"):
        address = net_util.get_internal_ip()
        click.echo(f"  From other computers of this network: {scheme}://{address}:{port}\n")
    if not config.get_option("server.headless"):
        url = f"{scheme}://localhost:{port}"
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)


ROUTES = [Route("/ready", ready)]
MIDDLEWARE = [Middleware(RoomForTabs), Middleware(UploadLimit)]
