"""One class of a visitor's own: its photographs, which its drop zone shows and takes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import streamlit as st

from pages.shared.choose_photo import pictures_of
from pages.shared.components import anything, component, is_whole, message, text
from pages.shared.photo_input import LIMITS, decoded, not_arrived
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, sentence, show_error
from pages.training.squares import MOST, draw_squares
from pages.training.thrown_away import empty, take_out
from pages.visit.state import MOST_KEPT, Box, trim
from tl_core.lab import BackboneRow, UserError
from tl_core.specs.datasets import MAX_PHOTOS

ENOUGH = 4  # photographs of a class, to begin with
_AT_ONCE = 64  # photographs of a message; photos.js sends fewer
_NAME_LENGTH = 100  # characters of a file's name that are shown
_MOST_SAID = 20  # names in a remark, and remarks until the page is drawn
_mount = component("photos", "mount", "travel", "lens", "recorder")


@st.fragment
def draw_photos(box: Box, row: BackboneRow) -> None:
    """The drop zone of a box with its camera, its newest photographs, and what it is tested on.

    While a recording goes on, the box alone is drawn anew. ``row`` is of the network that will
    look: the camera shows the square that it sees.
    """
    key = f"photos_{box.id}"
    shown = pictures_of(box.photos[-MOST:])
    _mount(
        key=key,
        data={
            "name": box.name,
            "count": photo_count(box),
            "photos": [{"key": photo, "url": address} for photo, address in shown.items()],
            "more": len(box.photos) - len(shown),
            "taken": box.last,
            "held": box.is_recording,
            "limits": LIMITS,
            "side": row.input_size,
            "resize": row.resize,
            "words": _words(),
        },
        on_sent_change=lambda: receive(box, message(key, "sent", anything)),
        on_removed_change=lambda: take_out(box, message(key, "removed", text)),
        on_emptied_change=lambda: empty(box),
    )
    if box.tests:
        _draw_tests(box)
    if box.has_changed and not box.is_recording:
        box.has_changed = False
        st.rerun()  # the page around it learns from what has changed


def _draw_tests(box: Box) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        words = _("For validation: {count}").format(count=len(box.tests))
        st.caption(words, width="content")
        tests = pictures_of(box.tests[-MOST:])
        draw_squares(list(tests.values()), more=len(box.tests) - len(tests), alt=words)
        st.button(
            _("Remove"),
            key=f"no_tests_{box.id}",
            icon=":material/close:",
            type="tertiary",
            help=_("Keep some of the class's own photographs aside for validation instead"),
            on_click=box.tests.clear,
        )


def photo_count(box: Box) -> str:
    """How many photographs there are, and how many it still needs, in words."""
    count = len(box.photos)
    if count < ENOUGH:
        return _("{count} of {enough}").format(count=count, enough=ENOUGH)
    return _("Photographs: {count}").format(count=count)


def receive(box: Box, sent: object) -> None:
    """Put the photographs of a message into the box, each once however often it is sent.

    The browser sends them until the last number counts as taken: a click elsewhere may break a
    run off. Those of a recording say which, and whether more will come.
    """
    left_out, repeated = defaultdict(list), 0
    if not any(one is box for one in the_visit().boxes):
        return  # thrown away meanwhile
    try:
        for number, name, data, burst in _each(sent):
            if number <= box.last:
                continue
            try:
                repeated += not add_photo(box, decoded(data), burst) and burst is not None
            except UserError as error:
                left_out[sentence(error)].append(name)
            box.last, box.has_changed = number, True
        match sent:
            case {"number": number, "held": bool(is_recording)} if is_whole(number):
                box.last, box.is_recording = max(box.last, number), is_recording
    except UserError as error:
        refuse(error)
    if repeated:
        words = _(
            "Pictures this class already has: {count}. Move the object, turn it, or change the "
            "background."
        )
        refuse(words.format(count=repeated))
    for reason, names in left_out.items():
        words = _("Left out: {names}. {reason}")
        refuse(words.format(names=listed(names), reason=reason))


def _each(sent: object) -> Iterator[tuple[int, str, str, int | None]]:
    """Number, name, file and recording of each photograph in a message."""
    match sent:
        case None:
            return  # its page was left meanwhile
        case {"photos": [*photos]} if len(photos) <= _AT_ONCE:
            pass
        case _:
            raise not_arrived()
    for photo in photos:
        match photo:
            case {"number": number, "name": str(name), "data": str(text)} if is_whole(number):
                burst = photo.get("burst")
            case _:
                raise not_arrived()
        if burst is not None and not is_whole(burst):
            raise not_arrived()
        yield number, name[:_NAME_LENGTH], text, burst


def add_photo(box: Box, data: bytes, burst: int | None = None) -> bool:
    """Put a photograph in, as the newest, and return whether it is a new one.

    ``burst`` is the recording that it is from; of one that is there already, the first.

    Raises:
        UserError: If it is none that the lab can use.
    """
    require_room()
    key = the_lab().datasets.add_example(data, the_visit().id)
    is_new = key not in box.photos
    box.photos = [*(old for old in box.photos if old != key), key]
    if burst is not None and is_new:
        box.bursts[key] = burst
        trim(box.bursts, len(box.photos) + MOST_KEPT)  # those thrown away may come back
    return is_new


def require_room() -> None:
    """Refuse a photograph where the boxes hold as many as a data set may have.

    Raises:
        UserError: If they do.
    """
    if the_visit().room <= 0:
        raise UserError(
            "Your classes are full: together they can hold {limit} photographs. Take some out.",
            limit=MAX_PHOTOS,
        )


def no_photographs(names: Sequence[str]) -> str:
    """The sentence about files that could not be read."""
    return _("Left out because they aren't photographs: {names}").format(names=listed(names))


def listed(names: Sequence[str]) -> str:
    """The first names of files, each as long as one reads."""
    more = " …" if len(names) > _MOST_SAID else ""
    return ", ".join(plain(name[:_NAME_LENGTH]) for name in names[:_MOST_SAID]) + more


def refuse(what: UserError | str) -> None:
    """Have an error or a remark shown once, below the boxes; of many the newest."""
    refused = [*st.session_state.get("boxes_refused", []), what]
    st.session_state.boxes_refused = refused[-_MOST_SAID:]


def say_what_was_left_out() -> None:
    """Show what was refused since the page was last drawn."""
    for refused in st.session_state.pop("boxes_refused", []):
        if isinstance(refused, UserError):
            show_error(refused)
        else:
            st.warning(refused)


def _words() -> dict[str, object]:
    return {
        "choose": _("Upload"),
        "open": _("Camera"),
        "record": _("Hold to take photographs, or tap to start and stop"),
        "recording": _("Turn it a little while you record"),
        "still": _("Nothing is moving, so no new photographs are kept: turn the object"),
        "turn": _("Use the other camera"),
        "remove": _("Take it out"),
        "empty": _("Empty"),
        "waiting": _("Sending: {count}"),
        "left_out": no_photographs(["{names}"]),
        "lost": _("The photographs did not arrive. Choose them again."),
        "problems": {
            "NotAllowedError": _(
                "Camera access was blocked. Allow it in the address bar, then open it again."
            ),
            "NotFoundError": _("This device has no camera. Upload photographs instead."),
            "NotSupportedError": _(
                "The live camera only works over https, or on the computer that runs the lab."
            ),
            "other": _("The camera did not start; another program may be using it. Open it again."),
        },
    }
