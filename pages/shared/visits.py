"""All visits of this process, by the code with which a reloaded page finds its own again."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pages.visit.state import Visit


@dataclass(slots=True)
class _Held:
    visit: Visit
    session: str  # Streamlit's name of the one tab that may use it


class Visits:
    """Every visit with the session that holds it, which is one at a time; thread-safe.

    ``is_connected`` says whether a session's tab is open, ``resume`` whether the lab still keeps a
    visitor's things, who then counts as here. Visits are looked up by a hash of their codes, so
    that the time this takes says nothing about a code.
    """

    def __init__(
        self, *, is_connected: Callable[[str], bool], resume: Callable[[str], bool]
    ) -> None:
        self._is_connected = is_connected
        self._resume = resume
        self._held: dict[bytes, _Held] = {}
        self._by_live_token: dict[bytes, str] = {}
        self._lock = threading.Lock()

    def hold(self, visit: Visit, session: str) -> bool:
        """Note that the session uses its visit; ``False`` where another has taken it over."""
        with self._lock:
            held = self._held.setdefault(_digest(visit.code), _Held(visit, session))
            self._by_live_token.setdefault(_digest(visit.live_token), visit.id)
            return held.session == session

    def take_over(self, code: str, session: str) -> Visit | None:
        """Give the visit of this code to the session, unless an open tab has it or it is over."""
        with self._lock:
            held = self._held.get(_digest(code))
            if held is None:
                return None
            is_free = held.session == session or not self._is_connected(held.session)
            if not is_free or not self._resume(held.visit.id):
                return None
            held.session = session
            return held.visit

    def absent(self) -> frozenset[str]:
        """The visitors whose tab is not open just now, as while it is reloaded."""
        with self._lock:
            held = list(self._held.values())
        return frozenset(one.visit.id for one in held if not self._is_connected(one.session))

    def knows(self, code: str) -> bool:
        """Whether there is a visit of this code, in an open tab or waiting to be taken over."""
        with self._lock:
            return _digest(code) in self._held

    def visitor_of(self, live_token: str) -> str | None:
        """Whose camera speaks with this token; ``None`` where there is no such visit any more."""
        with self._lock:
            return self._by_live_token.get(_digest(live_token))

    def forget(self, visitor: str) -> None:
        """Drop the visit of a visitor whom the lab has forgotten."""
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if held.visit.id != visitor}
            tokens = self._by_live_token.items()
            self._by_live_token = {token: owner for token, owner in tokens if owner != visitor}


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode(errors="replace")).digest()
