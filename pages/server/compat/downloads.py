"""Files that visitors take home: kept until a browser has had the time to fetch them."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileManager, MediaFileMetadata
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError

from pages.server.allowance import Allowance
from pages.server.compat import require

KEPT_S = 60.0
PRESSES, PRESSES_A_S = 4, 1.0  # of one tab, at once and later
MOST_FILES = 4  # of one tab that no page shows, the newest
MOST_BYTES = 2**30  # of all tabs' files that no page shows; the oldest go first
MOST_MAKERS = 64  # of buttons of one tab that no page shows


class KeptForAWhile(MediaFileMetadata):
    """May be deleted a minute after it was first found that no page shows it."""

    def __init__(self, kind: MediaFileKind = MediaFileKind.MEDIA) -> None:
        super().__init__(kind)
        self.marked_at = float("inf")

    @property
    def is_marked_for_delete(self) -> bool:
        """Whether that time is up."""
        return time.monotonic() >= self.marked_at + KEPT_S

    def mark_for_delete(self) -> None:
        """Begin that time, if it has not begun."""
        self.marked_at = min(self.marked_at, time.monotonic())


def keep_downloads() -> None:
    """Have Streamlit keep the files of download buttons for a while.

    It makes such a file when the button is pressed, and drops it at the second end of anybody's
    run from there on: beside thirty visitors before the browser asks for it. And what makes the
    file leaves with the drawing that the button stood in, so that a press in the moment in which
    the page is drawn anew does nothing. Nor does it count presses, or what they make.

    Relied on, beside public names: ``MediaFileManager`` makes its notes of files by the name
    ``MediaFileMetadata`` of its module; its ``_remove_orphaned_deferred_callables`` is called at
    every run's end, and takes out of ``_deferred_callables`` what no page shows; a file's address
    ends in its id and an extension.
    """
    require(media_file_manager, "MediaFileMetadata")
    require(MediaFileMetadata, "is_marked_for_delete", "mark_for_delete")
    require(MediaFileManager, "_remove_orphaned_deferred_callables", "_drop_deferred_id")
    require(MediaFileManager, "_get_inactive_file_ids", "_delete_file", "execute_deferred")
    media_file_manager.MediaFileMetadata = KeptForAWhile  # type: ignore[misc]
    where: Any = MediaFileManager
    where._remove_orphaned_deferred_callables = _remove_old_makers
    execute = MediaFileManager.execute_deferred
    tabs: dict[str, _Presses] = {}

    def execute_some(files: Any, file_id: str) -> str:
        maker = files._deferred_callables.get(file_id)
        if maker is None:
            return execute(files, file_id)  # which says that it is not there
        with files._lock:
            tab = tabs.setdefault(maker["session_id"], _Presses())
            if tab.is_too_much():
                if file_id in tab.addresses:
                    return tab.addresses[file_id]  # what an earlier press has made
                raise MediaFileStorageError("too many presses on downloads")
            for session in [name for name, other in tabs.items() if other.is_over()]:
                del tabs[session]
        address = execute(files, file_id)
        with files._lock:
            tab.addresses = {file_id: address}
            tab.keep_newest(files, address.rpartition("/")[2].partition(".")[0])
        return address

    where.execute_deferred = execute_some


@dataclass
class _Presses:
    """What one tab has pressed of late, and which files that made."""

    presses: Allowance = field(default_factory=lambda: Allowance(PRESSES, PRESSES_A_S))
    at: float = 0.0  # of the last one
    files: dict[str, None] = field(default_factory=dict)  # oldest first
    addresses: dict[str, str] = field(default_factory=dict)  # of the newest, by its button

    def is_too_much(self) -> bool:
        """Whether a press comes faster than anybody means it."""
        self.at = time.monotonic()
        is_too_much = self.presses.take(1) < 0
        self.presses.left = max(self.presses.left, 0)  # what was refused is not owed
        return is_too_much

    def keep_newest(self, files: Any, name: str) -> None:
        """Drop what was made long before, unless a page shows it; under the files' lock."""
        self.files.pop(name, None)
        self.files[name] = None
        for old in list(self.files)[:-MOST_FILES]:
            del self.files[old]
            if old in files._get_inactive_file_ids():
                files._delete_file(old)

    def is_over(self) -> bool:
        """Whether nothing of it counts any more."""
        return time.monotonic() > self.at + KEPT_S + PRESSES / PRESSES_A_S


def _drop_oldest(files: Any) -> None:
    """Drop files that no page shows, beyond what all tabs together may have of them."""
    notes, total = files._file_metadata, 0
    unseen = sorted(files._get_inactive_file_ids(), key=lambda name: notes[name].marked_at)
    for name in reversed(unseen):
        total += len(files._storage.get_file(name).content)
        if total > MOST_BYTES:
            files._delete_file(name)


def _remove_old_makers(files: Any) -> None:
    """Drop what makes a file a minute after it was first found that no page shows its button.

    Of a tab that draws button after button, the oldest go at once.
    """
    _drop_oldest(files)
    shown = {
        name for names in files._files_by_session_and_coord.values() for name in names.values()
    }
    now = time.monotonic()
    unseen: Counter[str] = Counter()
    for name, maker in reversed(list(files._deferred_callables.items())):
        if name in shown:
            maker.pop("left_at", None)
            continue
        session = maker["session_id"]
        unseen[session] += 1
        is_old = now >= maker.setdefault("left_at", now) + KEPT_S
        if is_old or unseen[session] > MOST_MAKERS:
            files._drop_deferred_id(name)
