"""What a browser's message asks of the server, known before anything is built from it."""

from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

MOST_PARTS = 100_000  # fields and numbers of a message, counted in a twentieth of a second
MOST_FILES = 8_000  # in one drop; a data set has 5,000 photographs at most
MOST_WIDGETS = 500  # whose values come together; the fullest page has a hundred
MOST_QUERY = 20_000  # characters of an address; a link has some hundred
MOST_TEXT = 2_000  # characters of a line that somebody types or chooses
MOST_JSON_PARTS = 20_000  # of what a component says; photographs are long, but few
MOST_FILES_BYTES = 4 * 2**20  # of what is said of the files of a drop; 500 for each of 5,000
MOST_HASHES = 200_000  # characters that name what the browser holds, 66 for each
_LONGER = {  # than other texts, which name something
    "query_string": MOST_QUERY,
    "url": 2 * MOST_QUERY,
    "file_names": MOST_FILES_BYTES,
    "cached_message_hashes": MOST_HASHES,
}
PHOTO = "data"  # under which a component sends a photograph, the one text that may be long
_LONG_JSON = 4_096  # characters, from which on its parts are counted
_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5  # kinds of fields in protobuf's encoding
_NUMBERS: Final = {_I64: 8, _I32: 4}  # bytes
_DEEPEST = 16  # messages within messages
# Of browsers on pages of the lab; others install things for developers, ask git, or empty caches
_WANTED = frozenset(
    (
        "rerun_script",
        "stop_script",
        "file_urls_request",
        "app_heartbeat",
        "backend_operation_request",
    )
)
_WANTED_OPERATIONS = frozenset(("deferred_file", "dataframe_chunk"))
_FILES = "file_uploader_state_value"
_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


class Refused(Exception):
    """A message that no browser sends; closes its tab's connection."""


class TooManyFiles(Refused):
    """A request for the addresses of more files than a drop may have; a large folder makes one."""

    def __init__(self, session: str) -> None:
        super().__init__("a request for more files than a drop may have")
        self.session = session


def read(data: bytes) -> BackMsg:
    """Return a message that the server may work on.

    Decoding, and what Streamlit then does for each part, hold up everybody: a message of 4 MB can
    have two million parts. So they are counted first, without building any.

    Raises:
        Refused: If it is none of Streamlit's, or has more parts than any page needs.
    """
    is_long = len(data) > MOST_PARTS  # else it cannot have more
    if is_long and count_parts(memoryview(data), BackMsg.DESCRIPTOR, MOST_PARTS) > MOST_PARTS:
        raise Refused("a message with too many parts")
    try:
        message: BackMsg = BackMsg.FromString(data)
    except DecodeError as error:
        raise Refused("a message that is none of Streamlit's") from error
    if len(message.file_urls_request.file_names) > MOST_FILES:
        raise TooManyFiles(message.file_urls_request.session_id)
    if len(data) > MOST_TEXT:
        _require_short_texts(message)
    states = message.rerun_script.widget_states.widgets
    if len(states) > MOST_WIDGETS:
        raise Refused("a message with too many widgets")
    for state in states if len(data) > MOST_TEXT else ():
        _require_state_of_a_page(state)
    return message


def _require_short_texts(part: Message) -> None:
    """Streamlit keeps them, repeats them to the browser, and says some of them in the log."""
    for field, value in part.ListFields():
        if isinstance(value, Message):
            if field.name != "widget_states":
                _require_short_texts(value)
        elif field.type in _TEXTS:
            length = len(value) if isinstance(value, str) else sum(map(len, value))
            if length > _LONGER.get(field.name, MOST_TEXT):
                raise Refused("a longer name or address than any")


def _require_state_of_a_page(state: WidgetState) -> None:
    """Only a press brings much, which is gone after its run; all else stays with the tab."""
    kind = state.WhichOneof("value")
    if len(state.string_value) > MOST_TEXT:
        raise Refused("a longer line than anybody types")
    if kind == "json_trigger_value":
        if len(state.json_trigger_value) > _LONG_JSON:
            _require_json_of_a_page(state.json_trigger_value)
    elif state.ByteSize() > (MOST_FILES_BYTES if kind == _FILES else MOST_QUERY):
        raise Refused("a widget's value that is longer than any")


def _require_json_of_a_page(text: str) -> None:
    if sum(map(text.count, ",[{")) > MOST_JSON_PARTS:
        raise Refused("a component's value with too many parts")
    pieces = text.split('"', 2 * MOST_JSON_PARTS)
    long = [place for place, piece in enumerate(pieces) if len(piece) > MOST_QUERY]
    for place in long:
        if [piece.strip() for piece in pieces[max(place - 2, 0) : place]] != [PHOTO, ":"]:
            raise Refused("a component's text that is longer than any name")


def is_wanted(message: BackMsg) -> bool:
    """Whether the lab has a use for it."""
    if message.HasField("backend_operation_request"):
        return message.backend_operation_request.WhichOneof("payload") in _WANTED_OPERATIONS
    return message.WhichOneof("type") in _WANTED


def count_parts(data: memoryview, kind: Descriptor, most: int, depth: int = 0) -> int:
    """Count the fields of an encoded message and of those within it, and its packed numbers.

    Counting ends once there are more than ``most``. Source: protobuf's documentation of its
    encoding.

    Raises:
        Refused: If the bytes are no such message.
    """
    count, place = 0, 0
    while place < len(data) and count <= most:
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        count += 1
        if wire == _VARINT:
            _value, place = _varint(data, place)
        elif wire in _NUMBERS:
            place += _NUMBERS[wire]
        elif wire == _LEN:
            size, place = _varint(data, place)
            field = kind.fields_by_number.get(number)
            if field is not None and place + size <= len(data):
                count += _parts_within(data, place, size, field, most - count, depth)
            place += size
        else:
            raise Refused("a message that is none of Streamlit's")
    if place > len(data):
        raise Refused("a message that is cut short")
    return count


def _parts_within(
    data: memoryview, place: int, size: int, field: FieldDescriptor, most: int, depth: int
) -> int:
    if field.message_type is not None:
        if depth >= _DEEPEST:
            raise Refused("a message with too many levels")
        return count_parts(data[place : place + size], field.message_type, most, depth + 1)
    return 0 if field.type in _TEXTS else size  # numbers, packed: at least a byte each


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """Return a number of protobuf's variable length, and the place after it."""
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(data):
            raise Refused("a message that is cut short")
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise Refused("a message that is none of Streamlit's")
