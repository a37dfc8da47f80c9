"""What the server prints of its work: what the lab says, with time and level, and of no visitor."""

import logging

from streamlit import config

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_NAMES_VISITORS = ("uvicorn.error", "uvicorn.access", "websockets")  # by address, at level INFO


def configure_logs() -> None:
    """Print what ``tl_core`` and ``pages`` log from Streamlit's ``logger.level`` on, each once."""
    for name in _NAMES_VISITORS:
        logging.getLogger(name).addFilter(_is_trouble)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    for name in ("tl_core", "pages"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(str(config.get_option("logger.level")).upper())


def _is_trouble(record: logging.LogRecord) -> bool:
    """A filter, since Streamlit sets levels anew whenever its options change."""
    return record.levelno >= logging.WARNING
