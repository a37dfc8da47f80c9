"""Every text of a page: labels, helps and captions, in tables, charts, HTML and components too."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest

_NO_TEXT = {
    "id",
    "key",
    "form_id",
    "user_key",
    "component_name",
    "css_content",
    "js_content",
    "html_content",
    "fragment_id",
    "icon",
    "url",
    "file_urls",
    "page_script_hash",
    "query_string",
    "shortcut",
    "mime_type",
    "deferred_file_id",
    "language",
    "code_text",
    "raw_value",
    "raw_values",
    "type",
    "theme",
    "config",
    "tag",
    "anchor",
    "column_order",
    "selection_state",
    "selection_mode",
    "name",
    "format",
    "page",
}  # fields that are no text, or drawn as the code they are
_IN_PLOTLY = {"text", "name", "hovertext", "hovertemplate", "ticktext", "ticksuffix", "x", "y"}
_IN_COLUMNS = {"label", "help"}
_NO_WORDS = {
    "picture",
    "src",
    "url",
    "code",
    "key",
    "id",
    "left",
    "right",
    "chosen",
    "page",
    "language",
    "query",
    "first",
    "next",
    "opened",
}
_ATTRIBUTES = re.compile(r'(?:alt|aria-label|title)="([^"]*)"')
_SCRIPT = re.compile(r"<script>.*?</script>", re.DOTALL)
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_CSS_WORDS = re.compile(r'--\w+: "([^"]*)"')


def texts(app: AppTest) -> Iterator[str]:
    """Every text that the page has now, behind the kind of element and the field it is in."""
    for node in app._tree:
        message = getattr(node, "proto", None)
        if isinstance(message, Message):
            yield from (f"{node.type}.{text}" for text in _of(message))


def _of(message: Message) -> Iterator[str]:
    kind = message.DESCRIPTOR.name
    for field, value in message.ListFields():
        read = _INSIDE.get((kind, field.name))
        for item in value if field.is_repeated else [value]:
            if read is not None:
                yield from (f"{field.name}: {text}" for text in read(item))
            elif isinstance(item, Message):
                yield from _of(item)
            elif isinstance(item, str) and field.name not in _NO_TEXT:
                yield f"{field.name}: {item}"


def _html(body: str) -> Iterator[str]:
    for style in _STYLE.findall(body):
        yield from _CSS_WORDS.findall(style)
    rest = _SCRIPT.sub("", _STYLE.sub("", body))
    yield from _ATTRIBUTES.findall(rest)
    yield re.sub(r"<[^>]*>", " ", rest)


def _plotly(spec: str) -> Iterator[str]:
    found = json.loads(spec)
    found["layout"].pop("template", None)
    return _strings(found, lambda name: name in _IN_PLOTLY)


def _vega(spec: str) -> Iterator[str]:
    """Titles; and fields without one in a tooltip, where ``image`` alone is drawn, not read."""
    found = json.loads(spec)
    yield from _strings(found, lambda name: name == "title")
    for layer in found.get("layer", [found]):
        shown = layer["encoding"].get("tooltip", [])
        yield from (one["field"] for one in shown if "title" not in one and one["field"] != "image")


def _cells(arrow: Any) -> Iterator[str]:
    frame = convert_arrow_bytes_to_pandas_df(arrow.data)
    yield from (cell for cell in frame.to_numpy().ravel() if isinstance(cell, str))


def _table(arrow: Any) -> Iterator[str]:
    yield from convert_arrow_bytes_to_pandas_df(arrow.data).columns
    yield from _cells(arrow)


def _strings(found: Any, is_read: Callable[[str], bool], name: str = "") -> Iterator[str]:
    """The strings of JSON by the names they stand under; lists belong to their own."""
    if isinstance(found, dict):
        for key, item in found.items():
            yield from _strings(item, is_read, key)
    elif isinstance(found, list):
        for item in found:
            yield from _strings(item, is_read, name)
    elif isinstance(found, str) and is_read(name):
        yield found


_INSIDE: dict[tuple[str, str], Callable[[Any], Iterator[str]]] = {
    ("Html", "body"): _html,
    ("PlotlyChart", "spec"): _plotly,
    ("VegaLiteChart", "spec"): _vega,
    ("ArrowNamedDataSet", "data"): _cells,
    ("Dataframe", "arrow_data"): _table,
    ("Dataframe", "columns"): lambda text: _strings(
        json.loads(text), lambda name: name in _IN_COLUMNS
    ),
    ("BidiComponent", "json"): lambda text: _strings(
        json.loads(text), lambda name: name not in _NO_WORDS
    ),
}
