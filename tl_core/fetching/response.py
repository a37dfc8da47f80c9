"""One HTTP answer that cannot delay a cancel, and its failures put into words."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Self

import requests
import urllib3

from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.fetching.request import DownloadRequest

CHUNK_BYTES = 2**18
POLL_S = 0.1  # how soon a cancel acts while a server is silent
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 20.0

Check = Callable[[], None]  # raises to cancel


class ConnectionBroken(Exception):
    """The connection failed in a way that another try may mend; ``reason`` is for the person."""

    def __init__(self, reason: UserError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class StreamedResponse:
    """One HTTP answer, read by a thread of its own so that a silent server cannot delay a cancel.

    Every call that may block runs in that thread; this side only waits for it and keeps checking.
    """

    def __init__(self, request: DownloadRequest, headers: dict[str, str], check: Check) -> None:
        self._host = request.host
        self._check = check
        self.response: Any = None  # set by the thread once the server has answered
        self._session = requests.Session()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lab-stream")
        self._pending: Future[Any] = self._thread.submit(self._open, request.url, headers)

    def _open(self, url: str, headers: dict[str, str]) -> None:
        # not compressed on the way: sizes and ranges are those of the file itself
        self.response = self._session.get(
            url,
            headers={"Accept-Encoding": "identity"} | headers,
            stream=True,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        )

    def __enter__(self) -> Self:
        try:
            self._result()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._close()

    def read(self) -> bytes:
        """The next bytes that have arrived, empty at the end."""
        self._pending = self._thread.submit(self.response.raw.read1, CHUNK_BYTES)
        data: bytes = self._result()
        return data

    def _result(self) -> Any:
        while not self._pending.done():
            self._check()
            wait([self._pending], timeout=POLL_S)
        self._check()
        try:
            return self._pending.result()
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise ConnectionBroken(network_error(self._host, error)) from error

    def _close(self) -> None:
        """Interrupt a read in progress; the thread cleans up behind it, at the latest timed out."""
        is_idle = self._pending.done()
        if self.response is not None and not is_idle:
            with suppress(ValueError, RuntimeError, OSError):  # the read has just ended by itself
                self.response.raw.shutdown()
        self._thread.submit(self._clean_up)
        self._thread.shutdown(wait=is_idle)

    def _clean_up(self) -> None:
        if self.response is not None:
            self.response.close()
        self._session.close()


def require_success(request: DownloadRequest, response: Any, *, expected: int) -> None:
    """Refuse every answer but the expected one.

    Raises:
        UserError: If trying again at once is of no use.
        ConnectionBroken: If the server has a problem of its own.
    """
    status = response.status_code
    if status == expected:
        return
    message = _BY_STATUS.get(status, _SERVER if status >= 500 else _OTHER)
    refusal = UserError(message, host=request.host, name=request.name, status=status)
    raise ConnectionBroken(refusal) if status >= 500 else refusal


def version_of(response: Any) -> str:
    """What tells two versions of the server's file apart; weak ETags cannot (RFC 9110, 13.1.5)."""
    etag: str = response.headers.get("ETag", "")
    modified: str = response.headers.get("Last-Modified", "")
    return etag if etag.startswith('"') else modified


_REFUSED = N_(
    "{host} won't send {name} ({status}). Ask the people who run that server, or whoever looks "
    "after your network. Until then, use what is already on this machine."
)
_MISSING = N_(
    "{host} has no file {name} ({status}). If TL_MIRROR is set, check it. In the meantime, use "
    "what is already on this machine."
)
_SERVER = N_(
    "Something is wrong at {host} ({status}). Try again later. Until then, use what is already on "
    "this machine."
)
_OTHER = N_(
    "{host} didn't send {name} (it responded with {status}). Try again later. Until then, use "
    "what is already on this machine."
)
_BY_STATUS = {401: _REFUSED, 403: _REFUSED, 404: _MISSING, 410: _MISSING}


def network_error(host: str, error: Exception | None = None) -> UserError:
    """Put a connection's failure into words; without an error it ended before the file did."""
    if isinstance(error, requests.exceptions.SSLError):
        message = N_(
            "No secure connection to {host}. Check this machine's clock and whether your internet "
            "connection wants you to sign in first, then try again."
        )
    elif isinstance(error, requests.RequestException) and not isinstance(
        error, requests.exceptions.ReadTimeout
    ):
        message = N_(
            "{host} cannot be reached. Check your internet connection and try again; anything "
            "already on this machine works without it."
        )
    else:
        message = N_(
            "The connection to {host} was lost or timed out. Try again: a large download picks up "
            "where it left off."
        )
    return UserError(message, host=host)
