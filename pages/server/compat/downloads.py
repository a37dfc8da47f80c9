"""Files that visitors take home: kept until a browser has had the time to fetch them."""

import time

from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileMetadata
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
    run from there on: beside thirty visitors before the browser asks for it.

    Relied on, beside public names: ``MediaFileManager`` makes its notes of files by the name
    ``MediaFileMetadata`` of its module.
    """
    require(media_file_manager, "MediaFileMetadata")
    require(MediaFileMetadata, "is_marked_for_delete", "mark_for_delete")
    media_file_manager.MediaFileMetadata = KeptForAWhile  # type: ignore[misc]
