"""What others notice of a visitor who means ill: questions, pages and memory beside each attempt.

Every attempt has an app of its own. A question and a page are asked for again and again by
somebody else, first alone, then beside it.
"""

import argparse
import os
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import WebSocketException

from tests.app_process import ROOT, AppProcess, app_process
from tests.load.guests import Asker
from tests.websocket_client import Visitor
from tl_core.images.samples import SAMPLES

MB = 2**20
_BACK_S = 15.0  # after which what an attempt took is given back

Attempt = Callable[[AppProcess, Event], None]


def many_files(app: AppProcess, _end: Event) -> None:
    """One message that asks for the addresses of two million files."""
    with Visitor(app.url).open() as visitor:
        visitor.send(files_request(visitor.session, 2_000_000))
        with suppress(WebSocketException, EOFError):
            visitor.wait_until_closed(60)


def unread_answers(app: AppProcess, end: Event) -> None:
    """Requests for the addresses of 5,000 files, as fast as they go; nothing is read."""
    with ExitStack() as stack:
        for _ in range(4):
            visitor = stack.enter_context(Visitor(app.url).open())
            request = files_request(visitor.session, 5_000)
            with suppress(WebSocketException, OSError):
                for _request in range(200):
                    visitor.send(request)
        end.wait(10)


def unfinished_messages(app: AppProcess, end: Event) -> None:
    """Four connections that send 150 MB of a message each, and never its last byte."""
    with ExitStack() as stack:
        for _ in range(4):
            line = stack.enter_context(websocket_line(app))
            with suppress(OSError):
                line.sendall(frame_head(160 * MB))
                for _megabyte in range(150):
                    line.sendall(bytes(MB))
        end.wait(10)


def silent_connections(app: AppProcess, end: Event) -> None:
    """Sixty connections that say nothing."""
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(websocket_line(app))
        end.wait(10)


def uploads_that_never_come(app: AppProcess, end: Event) -> None:
    """Two files of 199 and 178 MB, of which nothing is sent."""
    with ExitStack() as stack:
        for size in (199, 178):
            visitor = stack.enter_context(Visitor(app.url).open("teach"))
            stack.enter_context(begun_upload(app, visitor, size * MB))
        end.wait(10)


def photographs_that_are_none(app: AppProcess, end: Event) -> None:
    """Sixty messages to a box of Teach it: a file that is none, with a name of 14 MB."""
    with suppress(WebSocketException, OSError):  # the first ends the connection
        _send_sixty(app, end, name="x" * (14 * MB), data="eA==")


def large_photographs_that_are_none(app: AppProcess, end: Event) -> None:
    """The same with an ordinary name, and 14 MB that are no photograph."""
    _send_sixty(app, end, name="x", data="eHh4" * (14 * MB // 4))


def _send_sixty(app: AppProcess, end: Event, *, name: str, data: str) -> None:
    with Visitor(app.url).open("teach") as visitor:
        for number in range(1, 61):
            photo = {"number": number, "name": name, "data": data}
            message = {"held": True, "number": number, "photos": [photo]}
            visitor.tell_component("photos_0", "sent", message)
            if end.is_set():
                return


def empty_frames(app: AppProcess, end: Event) -> None:
    """Four connections with one endless message of empty frames, 250 kB a second each."""
    flood = bytes([0x00, 0x80, 0, 0, 0, 0]) * 8_000
    with ExitStack() as stack:
        lines = [stack.enter_context(websocket_line(app)) for _ in range(4)]
        with suppress(OSError):
            for line in lines:
                line.sendall(b"\x02\x80" + bytes(4))
            while not end.wait(0.19):
                for line in lines:
                    line.sendall(flood)


def unread_pongs(app: AppProcess, end: Event) -> None:
    """A connection that sends 280 MB of pings and reads nothing."""
    pings = (bytes([0x89, 0x80 | 125]) + bytes(4 + 125)) * 8_000
    with websocket_line(app) as line, suppress(OSError):
        line.settimeout(10)
        for _ in range(280 * MB // len(pings)):
            line.sendall(pings)
            if end.is_set():
                return
        end.wait(10)


def empty_uploads(app: AppProcess, end: Event) -> None:
    """Three thousand uploads of nothing, for sessions that there are not."""
    place = urlsplit(app.url)
    rest = f"HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 0\r\n\r\n"
    for _ in range(3_000):
        with socket.create_connection(("localhost", place.port or 80), timeout=30) as line:
            line.sendall(f"PUT /_stcore/upload_file/{uuid4().hex}/x {rest}".encode())
            line.recv(4096)
        if end.is_set():
            return


def presses_on_a_model(app: AppProcess, _end: Event) -> None:
    """Teach it digits, then 120 presses on the file of the model."""
    with teach_digits(app) as visitor:
        for _ in range(120):
            with suppress(RuntimeError):  # refused
                visitor.download("download_model")


@contextmanager
def teach_digits(app: AppProcess) -> Iterator[Visitor]:
    """Somebody with a model."""
    query = "dataset=digits&photos_per_class=20&trick_epochs=2"
    with Visitor(app.url).open("teach", query) as visitor:
        visitor.press("start")
        while "download_model" not in visitor.downloads:
            visitor.poll()
            time.sleep(0.1)
        yield visitor


def silent_cameras(app: AppProcess, end: Event) -> None:
    """Two hundred connections for a live camera that say nothing."""
    with ExitStack() as stack:
        for _ in range(200):
            with suppress(OSError):
                stack.enter_context(websocket_line(app, "/live"))
        end.wait(10)


ATTEMPTS: dict[str, Attempt] = {
    "none": photographs_that_are_none,
    "large": large_photographs_that_are_none,
    "frames": empty_frames,
    "pongs": unread_pongs,
    "empty": empty_uploads,
    "presses": presses_on_a_model,
    "cameras": silent_cameras,
    "files": many_files,
    "unread": unread_answers,
    "unfinished": unfinished_messages,
    "silent": silent_connections,
    "uploads": uploads_that_never_come,
}


def files_request(session: str, count: int) -> bytes:
    """A message that asks where so many files may be sent to."""
    message = BackMsg()
    message.file_urls_request.request_id = uuid4().hex
    message.file_urls_request.session_id = session
    message.file_urls_request.file_names.extend([""] * count)
    return message.SerializeToString()


@contextmanager
def websocket_line(app: AppProcess, path: str = "/_stcore/stream") -> Iterator[socket.socket]:
    """A connection after its handshake, by hand."""
    place = urlsplit(app.url)
    with socket.create_connection(("localhost", place.port or 80), timeout=30) as line:
        line.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        if b"101" not in line.recv(4096):
            raise OSError("no websocket")
        yield line


def frame_head(size: int) -> bytes:
    """How a binary message of so many bytes begins, masked with zeros."""
    return b"\x82" + bytes([0x80 | 127]) + struct.pack(">Q", size) + bytes(4)


@contextmanager
def begun_upload(app: AppProcess, visitor: Visitor, size: int) -> Iterator[socket.socket]:
    """A file that is announced and not sent."""
    (address,) = visitor.ask_for_urls(["x"])
    place = urlsplit(app.url)
    with socket.create_connection(("localhost", place.port or 80), timeout=30) as line:
        line.sendall(visitor.upload_head(address, size))
        yield line


def beside(app: AppProcess, attempt: Attempt | None, seconds: float) -> str:
    """What somebody else meets for so long, beside an attempt or alone."""
    process, end = psutil.Process(app.process.pid), Event()
    pages_s: list[float] = []
    asker = Asker(
        app.url,
        samples=[sample.key for sample in SAMPLES],
        backbones=["efficientnet_lite0"],
        pause_s=0.2,
    )
    asker.come()
    begun, before = time.monotonic(), process.memory_info().rss
    most = before
    thread = Thread(target=attempt, args=(app, end), daemon=True) if attempt else None
    if thread:
        thread.start()
    with Visitor(app.url) as visitor:
        while time.monotonic() - begun < seconds:
            start = time.monotonic()
            visitor.open("path")
            pages_s.append(time.monotonic() - start)
            most = max(most, process.memory_info().rss)
            time.sleep(0.05)
    end.set()
    asker.leave()
    if thread:
        thread.join(30)
        time.sleep(_BACK_S)
    left = process.memory_info().rss - before
    slowest = max(asker.answers_s, default=float("nan"))
    return (
        f"question {1000 * slowest:.0f} ms, page {1000 * max(pages_s):.0f} ms at most; "
        f"memory +{(most - before) / MB:.0f} MB, {left / MB:.0f} of it left; "
        f"{len(asker.answers_s)} answers"
    )


def main() -> int:
    """Print two lines an attempt."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.hostile", description=__doc__)
    parser.add_argument("--attempts", nargs="+", choices=ATTEMPTS, default=list(ATTEMPTS))
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout that is attacked")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    for name in options.attempts:
        print(ATTEMPTS[name].__doc__)
        with (
            tempfile.TemporaryDirectory() as folder,
            app_process(Path(folder), root=options.root, TL_PROFILE="cloud") as app,
        ):
            beside(app, None, options.seconds)  # everything is loaded
            with teach_digits(app):
                pass
            print("    alone: ", beside(app, None, options.seconds), flush=True)
            print("    beside:", beside(app, ATTEMPTS[name], options.seconds), flush=True)
            if app.has_failed():
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
