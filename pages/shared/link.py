"""Choices of widgets: kept with the visit, and in the page's address, so that a link holds them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.server.messages import MOST_TEXT
from pages.shared import query
from pages.shared.visit import the_visit
from pages.shared.words import _, plain, sentence, show_error
from pages.visit.state import MOST_KEPT, trim
from tl_core.lab import UserError
from tl_core.lab import gettext_noop as N_

_GONE = {
    "sample": N_(
        "The photograph in this link stayed with its owner, so here's one from the gallery."
    ),
    "backbone": N_("This link's network isn't here, so you see the usual one."),
}

PRESET = "preset"  # an experiment on *Teach it*
_SAID_S = 10.0  # a page that draws itself anew at once would take a remark away
_ICON = ":material/link_off:"
_OF_EVERY_PAGE = {"language", "present"}
_ENDS_IT = {"dataset", "mode"}  # where a link names these without it


@contextmanager
def kept(
    key: str,
    default: Any,
    options: Sequence[Any] | None = None,
    *,
    between: tuple[float, float] | None = None,
    among: str = "",
) -> Iterator[None]:
    """Give the widget ``key``, which is drawn inside, its value, and keep what is chosen.

    What the widget shows on this page already wins, then the link that the tab was opened with,
    then what the visit has kept, then ``default``. A value that is neither one of ``options`` nor
    ``between`` two bounds falls back too; of a link's, the visitor is told. A list as default holds
    several options. Where the same key chooses among different sets, ``among`` names the set, and
    each remembers its own choice. The widget itself has no default. (Streamlit's own binding would
    write an option's label into the address, and the gallery's labels are pictures.)
    """
    state = st.session_state
    choice, shown = _Choice(default, options, between), (state.get("page"), among)
    is_shown = key in state and state.get(f"shown_{key}", shown) == shown
    state[f"shown_{key}"] = shown
    is_offered = is_shown and choice.offers(state[key])
    # Set in any case, which tells the browser: a widget in a popover is drawn there when that is
    # opened, and would begin with its first option.
    state[key] = state[key] if is_offered else _first(key, choice, among)
    yield
    text = encode(state[key])
    choices = the_visit().choices
    if key + among in choices or text != encode(default):
        choices[key + among] = text
        query.hold(key, text)


def set_choice(key: str, value: Any) -> None:
    """Choose for the widget ``key``, which takes it when it is next drawn, here or elsewhere."""
    st.session_state[f"shown_{key}"] = None  # what it shows does not count any more
    the_visit().choices[key] = encode(value)


def drop_choice(key: str) -> None:
    """Forget what was chosen under ``key``, which has no widget."""
    st.session_state.get("linked", {}).pop(key, None)
    the_visit().choices.pop(key, None)
    query.drop(key)


def refuse(key: str) -> None:
    """Forget a choice without a widget that is not offered, and say so; once the page has begun."""
    _say(_not_offered(key, chosen(key, "")))
    drop_choice(key)


def fall_back(error: UserError) -> None:
    """Take back the choices of this page, of which a spec has refused one, and draw it anew.

    Where it has none to take back, the refusal alone is said.
    """
    state, choices = st.session_state, the_visit().choices
    held = {key for key in state.get("address", {}) if f"shown_{key}" in state} - _OF_EVERY_PAGE
    chosen = {key + state[f"shown_{key}"][1] for key in held if state[f"shown_{key}"]}
    if not chosen & choices.keys():
        show_error(error)
        return
    for key in chosen:
        choices.pop(key, None)
    for key in held:
        query.drop(key)
        state[f"shown_{key}"] = None
    words = _("{reason} So this page is back to its usual settings.")
    state.said = {words.format(reason=sentence(error)): (state.page, time.monotonic() + _SAID_S)}
    st.rerun()


def is_chosen(key: str, *, default: bool) -> bool:
    """A choice whose switch is on another page, as the link or the visit has it."""
    return chosen(key, encode(default)) == encode(True)


def chosen(key: str, default: str) -> str:
    """The text of a choice that has no widget here, as the link or the visit has it."""
    linked, choices = st.session_state.get("linked", {}), the_visit().choices
    if key in linked:
        choices[key] = linked.pop(key)
    if key in choices:
        query.hold(key, choices[key])
    return choices.get(key, default)


def take_address(page: str) -> None:
    """Remember the link that this tab was opened with, and which page it shows now.

    Draws the place for remarks about the link. A visit that a reloaded tab goes on with finds the
    link as it was opened, not what the page has made of it since. A link that leads from one page
    to another adds its choices.
    """
    state = st.session_state
    came_from = state.get("page", page)
    state.page, state.remarks = page, st.container()
    state.said = {words: said for words, said in state.get("said", {}).items() if _is_fresh(*said)}
    for words in state.said:
        state.remarks.info(words, icon=_ICON)
    state.setdefault("opened_with", st.query_params.to_dict())
    if "linked" not in state:
        query.begin(state.opened_with)
        _take(_choices_of(state.opened_with))
    elif came_from != page:
        is_link = not query.is_left_behind()
        query.begin(st.query_params.to_dict() if is_link else {})
        _take(_choices_of(state.address))


def encode(value: Any) -> str:
    """A widget's value as text of a link."""
    if isinstance(value, list | tuple):
        return ",".join(map(encode, value))
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _take(choices: dict[str, str]) -> None:
    """Add the choices of a link to those that are still to be made."""
    if PRESET not in choices and _ENDS_IT & choices.keys():
        drop_choice(PRESET)
    if "sample" in choices:
        the_visit().linked_photo = choices["sample"]
    short = {key: text for key, text in choices.items() if len(text) <= MOST_TEXT}
    st.session_state.linked = st.session_state.get("linked", {}) | short
    trim(st.session_state.linked, MOST_KEPT)


def _choices_of(opened: dict[str, str]) -> dict[str, str]:
    """What a link asks for, of this version of the lab."""
    if opened.get("version", query.VERSION) != query.VERSION:
        _say(_("This link was made with another version of the lab, so its settings are ignored."))
        return {}
    return {key: text for key, text in opened.items() if key != "version"}


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a widget may be set to."""

    default: Any
    options: Sequence[Any] | None
    between: tuple[float, float] | None

    def offers(self, value: Any) -> bool:
        """Whether the widget can show the value."""
        if isinstance(self.default, list):
            is_list = isinstance(value, list | tuple) and len(set(value)) == len(value)
            return is_list and all(map(self._is_offered, value))
        return self._is_offered(value)

    def decode(self, text: str) -> Any:
        """The value of a text; a ``ValueError`` if the widget cannot show it."""
        if isinstance(self.default, list):
            return [self._one(part) for part in dict.fromkeys(text.split(",")) if part]
        return self._one(text)

    def _one(self, text: str) -> Any:
        if self.options is not None:
            found = [option for option in self.options if encode(option) == text]
        else:
            value = text == "1" if isinstance(self.default, bool) else type(self.default)(text)
            found = [value] if self._is_offered(value) else []
        if not found:
            raise ValueError(f"text must be an option's, got {text!r}. Offer it or take another.")
        return found[0]

    def _is_offered(self, value: Any) -> bool:
        if self.options is not None:
            return value in self.options
        return self.between is None or self.between[0] <= value <= self.between[1]


def _first(key: str, choice: _Choice, among: str) -> Any:
    """The value of a widget that shows nothing yet, or nothing that is still offered."""
    linked: dict[str, str] = st.session_state.get("linked", {})
    if key in linked:
        text = linked.pop(key)
        try:
            return choice.decode(text)
        except ValueError:
            _say(_(_GONE[key]) if key in _GONE else _not_offered(key, text))
    try:
        return choice.decode(the_visit().choices[key + among])
    except (KeyError, ValueError):
        return choice.default


def _not_offered(key: str, text: str) -> str:
    words = _(
        "The link asks for {key} = {value}, which is not offered here, so you get the usual value."
    )
    return words.format(key=plain(key), value=plain(text[:40]))


def _say(words: str) -> None:
    """Tell the visitor for a while, on the page that the link has opened."""
    state = st.session_state
    said = state.setdefault("said", {})
    if words not in said:
        state.remarks.info(words, icon=_ICON)
    said[words] = state.get("page", ""), time.monotonic() + _SAID_S


def _is_fresh(page: str, until: float) -> bool:
    return page == st.session_state.page and time.monotonic() < until
