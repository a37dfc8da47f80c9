"""The parts that ``st.App`` is made of."""

import asyncio
import logging
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import click
import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.web.server import server_util

from pages.server import process_state
from pages.server.addresses import announcement
from pages.server.compat.callbacks import finish_callbacks
from pages.server.compat.connections import end_idle, limit_connections
from pages.server.compat.containers import begin_at_the_top
from pages.server.compat.downloads import keep_downloads
from pages.server.compat.gone_widgets import forget_gone_widgets
from pages.server.compat.pages_folder import leave_pages_to_navigation
from pages.server.compat.references import send_references
from pages.server.compat.sessions import forget_closed, tell_who_is_absent
from pages.server.compat.timers import let_timers_change_nothing
from pages.server.compat.widget_values import refuse_wrong_values
from pages.server.ending import Ending
from pages.server.in_pieces import InPieces
from pages.server.logs import configure_logs
from pages.server.open_files import RoomForTabs, has_room, raise_limit
from pages.server.sockets import Sockets
from pages.server.uncompressed import Uncompressed
from pages.server.upload_limits import UploadLimit
from tl_core.api.preparation import names_to_prepare
from tl_core.errors import UserError
from tl_core.settings import Settings

log = logging.getLogger(__name__)

AGAIN_S = 5.0


def refuse_wrong_settings() -> None:
    """End the start with a sentence and status 2 where a ``TL_*`` variable makes no sense."""
    try:
        names_to_prepare(Settings.from_env().prepare)
    except UserError as error:
        click.echo(error, err=True)
        sys.exit(2)


def ready(_request: Request) -> Response:
    """Answer 200 while the lab can serve, else 503 and why; while it starts it can."""
    lab = process_state.lab
    problem = lab.readiness() if lab else process_state.start_problem
    if not problem and not has_room():
        problem = "The lab is full: there is no file descriptor left for another tab."
    return PlainTextResponse(problem or "ok", 503 if problem else 200)


def lifespan(
    start_lab: Callable[[], None],
) -> Callable[[st.App], AbstractAsyncContextManager[None]]:
    """What the server does around its work: say where the lab is, start it, and end in order.

    ``start_lab`` runs beside the first answers, so that torch is loaded when a visitor comes.
    """

    @asynccontextmanager
    async def around(_app: st.App) -> AsyncIterator[None]:
        leave_pages_to_navigation()
        raise_limit()
        configure_logs()
        limit_connections()
        begin_at_the_top()
        keep_downloads()
        finish_callbacks()
        let_timers_change_nothing()
        send_references()
        refuse_wrong_values()
        forget_gone_widgets()
        ending = Ending()
        if threading.current_thread() is threading.main_thread():
            ending.watch()
        _announce()
        threading.Thread(target=_start, args=(start_lab,), name="lab-start", daemon=True).start()
        jobs = (forget_closed, tell_who_is_absent, end_idle)
        looking = [asyncio.create_task(for_good(look)) for look in jobs]
        yield
        for task in looking:
            task.cancel()
        await asyncio.to_thread(ending.finish)

    return around


async def for_good(look: Callable[[], Awaitable[None]]) -> None:
    """Go on with what looks again and again, also where it has met an error, which the log says."""
    while True:
        try:
            await look()
        except Exception:
            log.exception("%s begins anew", getattr(look, "__name__", look))
            await asyncio.sleep(AGAIN_S)


def _start(start_lab: Callable[[], None]) -> None:
    try:
        start_lab()
    except UserError as error:  # pages say the same
        process_state.start_problem = str(error)
        log.error("%s", error)
    except Exception:
        process_state.start_problem = "The lab could not start. Its log says why."
        log.exception("the lab could not start")


def _announce() -> None:
    """Print the addresses for other computers; open the lab where there is a browser."""
    click.echo(announcement() + "\n")
    if not config.get_option("server.headless"):
        url = server_util.get_url("localhost")
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, url)


ROUTES = [Route("/ready", ready)]
MIDDLEWARE = [
    Middleware(Sockets),
    Middleware(RoomForTabs),
    Middleware(UploadLimit),
    Middleware(Uncompressed),
    Middleware(InPieces),
]
