"""What the server's log says, and how often."""

import logging

from streamlit import config

from pages.server.log_limit import EVERY_S, LogLimit
from pages.server.logs import configure_logs


def test_what_the_lab_says_is_printed_once_with_its_level(capsys):
    names = (
        "tl_core",
        "pages",
        "streamlit.any",
        "uvicorn.error",
        "uvicorn.access",
        "websockets",
    )
    config.get_option("logger.level")  # the first question gives its loggers handlers
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.handlers, each.propagate, each.level, each.filters) for each in loggers]
    for each in loggers:
        each.handlers, each.filters = [logging.StreamHandler()], []
    try:
        configure_logs()
        configure_logs()
        logging.getLogger("tl_core.engine.job").info("a run ended")
        logging.getLogger("tl_core.engine.job").debug("a detail")
        for name in ("uvicorn.error", "streamlit.any"):
            logging.getLogger(name).setLevel("INFO")  # as new options of Streamlit's do
        logging.getLogger("uvicorn.error").info("10.1.2.3 came")
        for number in range(100):
            logging.getLogger("uvicorn.error").warning("%d: nonsense", number)
            logging.getLogger("streamlit.any").info("what a browser sent")
        for error in (KeyError("a"), KeyError("b"), ValueError("a")):
            try:
                raise error
            except LookupError:
                logging.getLogger("uvicorn.error").exception("here")
            except ValueError:
                logging.getLogger("uvicorn.error").exception("there")
    finally:
        for logger, handlers, propagate, level, filters in before:
            logger.handlers, logger.propagate, logger.filters = handlers, propagate, filters
            logger.setLevel(level)
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith(" INFO tl_core.engine.job: a run ended")
    assert [line for line in said[1:] if line[0] not in " T"] == [
        *("0: nonsense", "here", "KeyError: 'a'", "there", "ValueError: a")
    ]


def test_what_is_said_about_somebody_is_said_once_a_minute():
    now = [100.0]
    limit = LogLimit(lambda: now[0])
    assert [limit.is_due("me", "x"), limit.is_due("me", "x")] == [True, False]
    assert limit.is_due("you", "x")
    assert limit.is_due("me", "y")
    now[0] += EVERY_S
    assert limit.is_due("me", "x")


def test_a_crowd_does_not_make_everything_said_again():
    limit = LogLimit(lambda: 0.0)
    assert sum(limit.is_due(str(who), "x") for who in range(5_000)) <= 1_000
    assert not limit.is_due("1", "x")
