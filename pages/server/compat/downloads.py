"""Files that visitors take home: kept until a browser has had the time to fetch them."""

import time
from typing import Any

from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileManager, MediaFileMetadata
from streamlit.runtime.media_file_storage import MediaFileKind

from pages.server.compat import require

KEPT_S = 60.0


class KeptForAWhile(MediaFileMetadata):
    """May be deleted a minute after it was first found that no page shows it."""

    def __init__(self, kind: MediaFileKind = MediaFileKind.MEDIA) -> None:
        super().__init__(kind)
        self._marked_at = float("inf")

    @property
    def is_marked_for_delete(self) -> bool:
        """Whether that time is up."""
        return time.monotonic() >= self._marked_at + KEPT_S

    def mark_for_delete(self) -> None:
        """Begin that time, if it has not begun."""
        self._marked_at = min(self._marked_at, time.monotonic())


def keep_downloads() -> None:
    """Have Streamlit keep the files of download buttons for a while.

    It makes such a file when the button is pressed, and drops it at the second end of anybody's
    run from there on: beside thirty visitors before the browser asks for it. And what makes the
    file leaves with the drawing that the button stood in, so that a press in the moment in which
    the page is drawn anew does nothing.

    Relied on, beside public names: ``MediaFileManager`` makes its notes of files by the name
    ``MediaFileMetadata`` of its module; its ``_remove_orphaned_deferred_callables`` is called at
    every run's end, and takes out of ``_deferred_callables`` what no page shows.
    """
    require(media_file_manager, "MediaFileMetadata")
    require(MediaFileMetadata, "is_marked_for_delete", "mark_for_delete")
    require(MediaFileManager, "_remove_orphaned_deferred_callables", "_drop_deferred_id")
    media_file_manager.MediaFileMetadata = KeptForAWhile  # type: ignore[misc]
    where: Any = MediaFileManager
    where._remove_orphaned_deferred_callables = _remove_old_makers


def _remove_old_makers(files: Any) -> None:
    """Drop what makes a file a minute after it was first found that no page shows its button."""
    shown = {
        name for names in files._files_by_session_and_coord.values() for name in names.values()
    }
    now = time.monotonic()
    for name, maker in list(files._deferred_callables.items()):
        if name in shown:
            maker.pop("left_at", None)
        elif now >= maker.setdefault("left_at", now) + KEPT_S:
            files._drop_deferred_id(name)
