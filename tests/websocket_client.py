"""A visitor without a browser: opens pages of a running app, presses, drops files and polls."""

import json
import math
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLs, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.browser_cache import BrowserCache
from tests.component_event import component_event

Files = list[tuple[str, bytes]]

POLL_S = 0.2


@dataclass
class Visitor:
    """One browser tab at ``url``, over Streamlit's own protocol; a context manager.

    Every call returns once the app has drawn what it asked for. ``widgets`` has the id of each
    widget that was drawn, by its key; ``fragments`` the ids of those that want to be polled, by
    the seconds between polls; ``downloads`` the files that buttons hand out, by the button's key;
    ``texts`` what the last answer said, ``said_at`` when each came; ``code`` is the visit's.
    """

    url: str
    origin: str = ""  # as a browser sends it; its own address if empty
    again: str = ""  # the session of a connection that was lost
    timeout_s: float = 120
    widgets: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, float] = field(default_factory=dict)
    downloads: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # of the last answer: error pages
    said_at: list[float] = field(default_factory=list)
    session: str = ""
    code: str = ""
    live_token: str = ""  # of the visit's camera, once a page has it on
    live_network: str = ""  # that answers it
    received: int = 0  # bytes
    _states: dict[str, WidgetState] = field(default_factory=dict)  # as a browser keeps them
    _for_one_file: set[str] = field(default_factory=set)  # drop zones where a file replaces another
    _fragment_of: dict[str, str] = field(default_factory=dict)  # by the keys of widgets in one
    _page: str = ""
    _query: str = ""
    cache: BrowserCache = field(default_factory=BrowserCache)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self._socket = connect(
            f"ws://{parts.netloc}/_stcore/stream",
            origin=Origin(self.origin or self.url),
            subprotocols=[Subprotocol(name) for name in self._subprotocols()],
            max_size=None,
            open_timeout=self.timeout_s,
            proxy=None,
        ).__enter__()
        with urllib.request.urlopen(f"{self.url}/_stcore/health") as answer:
            cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        self._xsrf = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the tab."""
        self._socket.__exit__(None, None, None)

    def vanish(self) -> None:
        """Lose the connection without a word, as a computer that is switched off."""
        self._socket.socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def open(self, page: str = "", query: str = "") -> Self:
        """Open a page by the name in its address, the first one if empty, as a link does."""
        self._page, self._query = "", query
        return self._run(page_name=page)

    def press(self, key: str) -> Self:
        """Press a button."""
        return self._run([WidgetState(id=self.widgets[key], trigger_value=True)])

    def tell_component(self, key: str, event: str, value: Any) -> Self:
        """Have a component of the page's own say something; in a fragment, that is drawn anew."""
        said = [component_event(self.widgets[key], event, value)]
        fragment = self._fragment_of.get(key, "")
        return self._run(said, fragment_id=fragment) if fragment else self._run(said)

    def tell_widgets(self, states: Sequence[WidgetState]) -> Self:
        """Send any values for widgets, once."""
        return self._run(states)

    def set(self, key: str, **value: Any) -> Self:
        """Set a widget; the value by its name in the protocol, such as ``string_value="a"``."""
        state = WidgetState(id=self.widgets[key], **value)
        self._states[state.id] = state
        return self._run()

    def poll(self, *, at_most_s: float = math.inf) -> Self:
        """Draw every fragment again, once, that wants it after at most so many seconds."""
        for fragment, interval in list(self.fragments.items()):
            if interval <= at_most_s and fragment in self.fragments:  # or another drew it away
                self.poll_one(fragment)
        return self

    def poll_one(self, fragment: str) -> Self:
        """Draw one fragment again."""
        return self._run(fragment_id=fragment, is_auto_rerun=True)

    def drop(self, key: str, files: Files) -> list[int]:
        """Put more files on a drop zone, as named bytes; return the HTTP status of each.

        The page hears of those that arrived, after all.
        """
        urls = self.ask_for_urls([name for name, _ in files])
        statuses = [self.put(url, *file) for url, file in zip(urls, files, strict=True)]
        zone = self.widgets[key]
        if zone in self._for_one_file:
            self._states.pop(zone, None)
        known = self._states.get(zone, WidgetState()).file_uploader_state_value
        arrived = [
            _file_info(url, name, data)
            for url, (name, data), status in zip(urls, files, statuses, strict=True)
            if status == 204
        ]
        listed = FileUploaderState(uploaded_file_info=[*known.uploaded_file_info, *arrived])
        if arrived:
            self.set(key, file_uploader_state_value=listed)
        return statuses

    def download(self, key: str) -> bytes:
        """Press a button that hands out a file, and get that."""
        message = BackMsg()
        request = message.backend_operation_request
        request.request_id, request.session_id = uuid4().hex, self.session
        request.deferred_file.file_id = self.downloads[key]
        self._socket.send(message.SerializeToString())
        answer = self._receive("backend_operation_response").backend_operation_response
        if answer.error_msg:
            raise RuntimeError(answer.error_msg)
        address = self.url + answer.deferred_file.url
        with urllib.request.urlopen(address, timeout=self.timeout_s) as found:
            return bytes(found.read())

    def wait_for(self, words: str) -> Self:
        """Poll until the page says so."""
        deadline = time.monotonic() + self.timeout_s
        while words not in " ".join(self.texts):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{words!r} is not in {self.texts}")
            time.sleep(POLL_S)
            self.poll()
        return self

    def tell(self, **message: Any) -> None:
        """Send any message, such as ``clear_cache=True``; nothing is waited for."""
        self._socket.send(BackMsg(**message).SerializeToString())

    def send(self, message: bytes) -> None:
        """Send anything at all; what the app makes of it is not awaited."""
        self._socket.send(message)

    def wait_until_closed(self, timeout_s: float) -> None:
        """Take messages in until the app ends the connection.

        Raises:
            ConnectionClosed: Once it has.
            TimeoutError: If it does not.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            self._socket.recv(timeout=max(0.0, deadline - time.monotonic()))

    def ask_for_urls(self, names: Sequence[str]) -> list[FileURLs]:
        """Ask where files may be sent to."""
        message = BackMsg()
        message.file_urls_request.request_id = uuid4().hex
        message.file_urls_request.file_names.extend(names)
        message.file_urls_request.session_id = self.session
        self._socket.send(message.SerializeToString())
        return list(self._receive("file_urls_response").file_urls_response.file_urls)

    def put(self, address: FileURLs, name: str, data: bytes) -> int:
        """Send one file to where the app wants it; return the HTTP status."""
        mark = uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"} | self._xsrf
        request = urllib.request.Request(self.url + address.upload_url, body, headers, method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def upload_head(self, address: FileURLs, size: int) -> bytes:
        """How an upload of so many bytes begins, without any of them."""
        lines = [f"PUT {address.upload_url} HTTP/1.1", f"Host: {urlsplit(self.url).netloc}"]
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": size}
        lines += [f"{name}: {value}" for name, value in (headers | self._xsrf).items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def _subprotocols(self) -> list[str]:
        """Where Streamlit's browsers put what they cannot put into a header."""
        return ["streamlit", "x", self.again] if self.again else ["streamlit"]

    def request(self, pressed: Sequence[WidgetState] = (), **how: Any) -> bytes:
        """What a browser sends now to have this page drawn anew; for ``send``, also later."""
        message = BackMsg()
        rerun = message.rerun_script
        rerun.page_script_hash = self._page
        rerun.context_info.url = self.url
        rerun.query_string = self._query
        rerun.cached_message_hashes.extend(self.cache.kept)
        for name, value in how.items():
            setattr(rerun, name, value)
        rerun.widget_states.widgets.extend([*self._states.values(), *pressed])
        return message.SerializeToString()

    def _run(self, pressed: Sequence[WidgetState] = (), **how: Any) -> Self:
        request = self.request(pressed, **how)
        self.texts, self.said_at, self.errors = [], [], []
        self._socket.send(request)
        while True:
            status = self._receive("script_finished").script_finished
            if status != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return self

    def _receive(self, kind: str) -> ForwardMsg:
        """Take messages in up to the first of a kind."""
        deadline = time.monotonic() + self.timeout_s
        while True:
            data = self._socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            self.received += len(data)
            message = self.cache.take(ForwardMsg.FromString(data))  # type: ignore[arg-type]
            self._note(message)
            if message.WhichOneof("type") == kind:
                return message

    def _note(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            if not message.metadata.run.fragment_ids:  # the whole page is drawn anew
                self.widgets, self.fragments, self.downloads = {}, {}, {}
                self._fragment_of = {}
            self.session = message.new_session.initialize.session_id or self.session
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "navigation":
            self._page = message.navigation.page_script_hash
        elif kind == "auto_rerun":
            self.fragments[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self.fragments.pop(fragment, None)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            shown = str(element.WhichOneof("type"))
            drawn = getattr(element, shown)
            if shown == "exception":
                self.errors.append(drawn.type)
            words = getattr(drawn, "body", "") or getattr(drawn, "json", "")  # json: a component's
            if words:
                self.texts.append(words)
                self.said_at.append(time.monotonic())
            widget = str(getattr(drawn, "id", ""))
            if widget.startswith("$$ID-"):
                key = widget.split("-", 2)[2]
                self.widgets[key] = widget
                self._fragment_of[key] = message.delta.fragment_id
                if not getattr(drawn, "multiple_files", True):
                    self._for_one_file.add(widget)
                if key == "resume":
                    self.code = json.loads(drawn.json)["code"]
                if key == "live_camera":
                    camera = json.loads(drawn.json)
                    self.live_token, self.live_network = camera["token"], camera["backbone"]
                if getattr(drawn, "deferred_file_id", ""):
                    self.downloads[key] = drawn.deferred_file_id


def _file_info(url: FileURLs, name: str, data: bytes) -> UploadedFileInfo:
    return UploadedFileInfo(file_id=url.file_id, name=name, size=len(data), file_urls=url)
