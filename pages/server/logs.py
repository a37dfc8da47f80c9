"""What the server prints of its work: what the lab says, with time and level, and of no visitor."""

import logging
import traceback

from streamlit import config

from pages.server.log_limit import log_limit

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_NAMES_VISITORS = ("uvicorn.error", "uvicorn.access", "websockets")  # by address, at level INFO
_CAUSED_BY_VISITORS = (
    "uvicorn",
    "streamlit",
    "asyncio",
    "websockets",
    "python_multipart",
)  # what these warn of


def configure_logs() -> None:
    """Print what ``tl_core`` and ``pages`` log from Streamlit's ``logger.level`` on, each once."""
    for name in _NAMES_VISITORS:  # a filter, since Streamlit sets levels anew with its options
        logging.getLogger(name).addFilter(lambda record: record.levelno >= logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _CAUSED_BY_VISITORS:
            logging.getLogger(name).addFilter(_is_due)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(lambda record: not record.exc_info or _is_due(record))
    for name in ("tl_core", "pages"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(str(config.get_option("logger.level")).upper())


def _is_due(record: logging.LogRecord) -> bool:
    """Whether nothing was said from this place, of this error, within the last minute.

    What Streamlit says at level INFO repeats what browsers have sent, and is left out.
    """
    if record.levelno < logging.WARNING:
        return record.levelno < logging.INFO or not record.name.startswith("streamlit")
    place = f"{record.pathname}:{record.lineno}"
    if record.exc_info and record.exc_info[1] is not None:
        *_, (frame, line) = [(None, 0), *traceback.walk_tb(record.exc_info[2])]
        place += f" {record.exc_info[0]} {frame and frame.f_code.co_filename}:{line}"
    return log_limit.is_due("", place)
