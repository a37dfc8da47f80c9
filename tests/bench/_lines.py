"""Studies of many runs, each a line of a file: one that was broken off goes on."""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tests.bench.train import lab
from tl_core.context import Context

Do = Callable[[Any, Context], dict[str, Any]]  # a run, a dataclass of JSON's types, to its figures

_at_work = ExitStack()
_context: Context


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return what every line says; none where there is no file yet."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def do_missing(do: Do, runs: Sequence[Any], path: Path, data: Path, processes: int) -> None:
    """Do the runs that have no line yet, in as many processes.

    A line has the figures that ``do`` returns, the run under ``run``, and its ``seconds``.
    """
    done = [line["run"] for line in lines_of(path)]
    missing = [run for run in runs if asdict(run) not in done]
    spawn = multiprocessing.get_context("spawn")
    threads = max((os.cpu_count() or 1) // processes, 1)
    with (
        ProcessPoolExecutor(processes, spawn, _begin, (data, threads)) as pool,
        path.open("a") as file,
    ):
        waiting = [pool.submit(_do, do, run) for run in missing]
        for number, future in enumerate(as_completed(waiting), start=1):
            file.write(json.dumps(future.result()) + "\n")
            file.flush()
            print(f"{number} of {len(missing)}", file=sys.stderr)


def _begin(data: Path, threads: int) -> None:
    """Set a process up."""
    global _context
    torch.set_num_threads(threads)
    _context = _at_work.enter_context(lab(data))


def _do(do: Do, run: Any) -> dict[str, Any]:
    began = time.perf_counter()
    figures = do(run, _context)
    return {"run": asdict(run), **figures, "seconds": round(time.perf_counter() - began, 1)}
