"""How much a file may carry beside its picture: looking through metadata costs time, not pixels."""

from tl_core.errors import UserError

MAX_METADATA_BYTES = 2**20
MAX_METADATA_PIECES = 1000


def require_little_metadata(size_bytes: int, pieces: int) -> None:
    """Refuse a file with too many bytes, segments or blocks that are not picture data.

    Raises:
        UserError: If it is more than 1 MB or 1,000 pieces.
    """
    if size_bytes > MAX_METADATA_BYTES or pieces > MAX_METADATA_PIECES:
        raise UserError(
            "This photograph carries more than {limit} MB of metadata, or more than {pieces} "
            "pieces of it. Save it again without metadata and drop it again.",
            limit=MAX_METADATA_BYTES // 2**20,
            pieces=MAX_METADATA_PIECES,
        )
