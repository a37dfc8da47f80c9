"""A web server on this machine that serves given bytes, and misbehaves on request."""

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass
class Faults:
    """What goes wrong; each number of times counts down, and the defaults are a good server."""

    status: int = 0  # answer with this instead of the file
    cut_after: int | None = None  # close the connection after so many bytes of an answer
    cuts: int = 1  # how many answers are cut
    stall_after: int | None = None  # send so many bytes of an answer, then nothing more
    is_silent: bool = False  # take the request and never answer
    ignores_range: bool = False
    ignores_if_range: bool = False  # sends a part although the file has changed
    refuses_range: bool = False  # answers 416
    sends_version: bool = True  # an ETag
    changes_version: bool = False  # another one in every answer
    sends_length: bool = True
    redirect: str = ""
    replaced_by: bytes | None = None  # the file, from the answer number ``replaced_at`` on
    replaced_at: int = 0


@dataclass
class Exchange:
    """One request and how many bytes of the file went out."""

    path: str
    range: str
    sent: int = 0


@dataclass
class FileServer:
    """Serves ``files`` by name at ``url``; a context manager.

    ``stalled`` is set when an answer has stalled; leaving the context lets every stall go on.
    """

    files: dict[str, bytes]
    faults: Faults = field(default_factory=Faults)
    exchanges: list[Exchange] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"server_of_files": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = False  # server_close joins them
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def url(self, name: str) -> str:
        return f"{self.base}/{name}"

    @property
    def sent(self) -> int:
        """Bytes of files sent, over all answers."""
        return sum(exchange.sent for exchange in self.exchanges)


def etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'


class _Handler(BaseHTTPRequestHandler):
    server_of_files: FileServer

    def do_GET(self) -> None:
        owner, faults = self.server_of_files, self.server_of_files.faults
        exchange = Exchange(self.path, self.headers.get("Range", ""))
        owner.exchanges.append(exchange)
        if faults.is_silent:
            owner.stalled.set()
            owner.closing.wait()
            return
        name = self.path.rsplit("/", 1)[-1]
        if faults.replaced_by is not None and len(owner.exchanges) > faults.replaced_at:
            owner.files[name] = faults.replaced_by
        data = owner.files.get(name)
        if faults.redirect and not self.path.startswith("/moved/"):
            self._head(302, {"Location": faults.redirect + self.path, "Content-Length": "0"})
        elif faults.status or data is None:
            self._head(faults.status or 404, {"Content-Length": "0"})
        else:
            self._file(data, exchange)

    def _file(self, data: bytes, exchange: Exchange) -> None:
        faults = self.server_of_files.faults
        wanted = self._wanted(data)
        version = f'"{id(exchange)}"' if faults.changes_version else etag(data)
        headers = {"ETag": version} if faults.sends_version else {}
        if wanted is not None and (faults.refuses_range or wanted.start >= len(data)):
            return self._head(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
        if wanted is not None:
            headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(data)}"
        part = data if wanted is None else data[wanted.start : wanted.stop]
        if faults.sends_length:
            headers["Content-Length"] = str(len(part))
        self._head(200 if wanted is None else 206, headers)
        self._body(part, exchange)
        return None

    def _wanted(self, data: bytes) -> range | None:
        """The bytes asked for, ``None`` for the whole file."""
        wanted, condition = self.headers.get("Range", ""), self.headers.get("If-Range")
        faults = self.server_of_files.faults
        is_same = condition in (None, etag(data)) or faults.ignores_if_range
        if not wanted or faults.ignores_range or not is_same:
            return None
        first, last = wanted.removeprefix("bytes=").split("-")
        if not first:
            return range(max(len(data) - int(last), 0), len(data))
        return range(int(first), min(int(last or len(data)) + 1, len(data)))

    def _body(self, data: bytes, exchange: Exchange) -> None:
        owner, faults = self.server_of_files, self.server_of_files.faults
        if faults.cut_after is not None and faults.cuts > 0:
            faults.cuts -= 1
            data = data[: faults.cut_after]
        if faults.stall_after is not None:
            self._send(data[: faults.stall_after], exchange)
            owner.stalled.set()
            owner.closing.wait()
            return
        self._send(data, exchange)

    def _send(self, data: bytes, exchange: Exchange) -> None:
        for start in range(0, len(data), 2**14):
            piece = data[start : start + 2**14]
            exchange.sent += len(piece)  # before a client that has all of it can look
            try:
                self.wfile.write(piece)
            except ConnectionError:  # the client has gone
                exchange.sent -= len(piece)
                return

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output quiet."""
