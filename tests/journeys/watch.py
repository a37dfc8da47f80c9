"""What is watched while visitors walk: the server's log, and how long each page takes."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import streamlit as st
import streamlit.logger
from streamlit.elements.lib import policies
from streamlit.runtime.scriptrunner import ScriptRunner

from tl_core.lab import Job, Lab


class Clock:
    """How long each run of a page worked, and how long it waited for jobs.

    Wall-clock time would say how busy the machine is, so the work is counted in processor time; the
    waits are what pages allow themselves.
    """

    def __init__(self) -> None:
        self.runs: list[tuple[float, float]] = []
        self._waited = threading.local()

    def run(self, original: Callable[..., None]) -> Callable[..., None]:
        def timed(*args: Any) -> None:
            self._waited.seconds, start = 0.0, time.thread_time()
            try:
                original(*args)
            finally:
                self.runs.append((time.thread_time() - start, self._waited.seconds))

        return timed

    def wait(self, original: Callable[..., bool]) -> Callable[..., bool]:
        def timed(*args: Any) -> bool:
            start = time.monotonic()
            try:
                return original(*args)
            finally:
                waited = getattr(self._waited, "seconds", 0.0)
                self._waited.seconds = waited + time.monotonic() - start

        return timed


class _Listener(logging.Handler):
    """Keeps errors, and whatever shows a stack."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info or record.stack_info:
            self._records.append(record)


@contextmanager
def watched(lab: Lab, log: list[logging.LogRecord], clock: Clock) -> Iterator[None]:
    """Pages that use this lab, with everybody listening."""
    listener = _Listener(log)
    loggers = [logging.getLogger(), *streamlit.logger._loggers.values()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pages.shared.visit.Lab", lambda: lab)
        patch.setattr(ScriptRunner, "_run_script", clock.run(ScriptRunner._run_script))
        patch.setattr(Job, "wait", clock.wait(Job.wait))
        patch.setattr(policies, "_shown_default_value_warning", False)  # it warns once a process
        rich = st.get_option("logger.enableRich")
        st.config.set_option("logger.enableRich", False)  # errors go to the log as they are
        for logger in loggers:
            logger.addHandler(listener)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(listener)
            st.config.set_option("logger.enableRich", rich)
