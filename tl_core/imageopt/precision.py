"""In which precision a network is drawn with on this machine: measured once, and kept.

A processor's flags promise that bfloat16 is fast. Whether it is depends on the network, on the
cores, and on what PyTorch makes of both: the same flags can mean twice the speed, or half of it.
A network keeps one precision however many draw with it. In float32, a picture comes out the same
whether it's drawn alone or beside others.
"""

import hashlib
import logging
import os
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from tl_core.backbones.catalogue import BackboneRow
from tl_core.errors import UserError
from tl_core.imageopt.batch import Batch
from tl_core.machine.device import has_bf16
from tl_core.machine.files import write_whole
from tl_core.settings import Precision

_BOTH: tuple[Precision, ...] = ("fp32", "bf16")
_PICTURES = 4  # a few of a class; of a slow network one
_SLOW_S = 0.15  # a step of one picture, beyond which a network is slow
_ROUNDS, _MOST_ROUNDS = 3, 9  # steps in each precision; more where others disturb them
_SPREAD = 1.2  # between the two quickest steps of a precision, up to which they are believed
_CLEAR = 3.0  # times as long as the other: then one round is enough
_GAIN = 1.1  # that bfloat16 must bring, since it rounds
_log = logging.getLogger(__name__)


def known(folder: Path, device: torch.device, networks: Sequence[BackboneRow]) -> Precision | None:
    """What is known of networks on this machine; None where it must be measured.

    A processor without bfloat16 needs no measurement, and a graphics card always has it.
    """
    if device.type != "cpu" or not has_bf16(device):
        return "bf16" if has_bf16(device) else "fp32"
    with suppress(OSError):
        text = _file(folder, networks).read_text(encoding="ascii", errors="replace")
        return next((found for found in _BOTH if found == text), None)
    return None


def measure(folder: Path, batch: Batch) -> Precision:
    """Draw copies of the batch's first picture in both; keep what is quicker, and return it.

    It takes a second or two, and does not touch the batch. What others' work made too uneven to
    believe is not kept, so that the next run measures again.
    """
    seconds: dict[Precision, list[float]] = {precision: [] for precision in _BOTH}
    try:
        alone = _copies(batch, "fp32", 1)
        alone.step()
        count = 1 if _step_s(alone) > _SLOW_S else _PICTURES
        trials = {precision: _copies(batch, precision, count) for precision in _BOTH}
        for trial in trials.values():
            trial.step()  # which makes ready
        for done in range(1 if count == 1 else _MOST_ROUNDS):
            if _is_clear(seconds) or (done >= _ROUNDS and _are_even(seconds)):
                break
            for precision, trial in trials.items():
                seconds[precision].append(_step_s(trial))
    except UserError:  # too little memory for two ways
        return "fp32"
    quickest = {precision: min(found) for precision, found in seconds.items()}
    found: Precision = "bf16" if quickest["fp32"] > _GAIN * quickest["bf16"] else "fp32"
    if found == "fp32":
        for backbone in batch.backbones:
            vars(backbone).pop("in_bf16", None)
    names = ", ".join(backbone.row.label for backbone in batch.backbones)
    _log.info("%s: drawn in %s; steps of %d take %s s", names, found, count, quickest)
    if count == 1 or _are_even(seconds):
        _keep(_file(folder, [backbone.row for backbone in batch.backbones]), found)
    return found


def _copies(batch: Batch, precision: Precision, count: int) -> Batch:
    first = batch.slots[0]
    batch.write_back(first)
    trial = Batch(batch.backbones, precision, limit=batch.limit)
    for _ in range(count):
        update = replace(first.update, adapt=None)
        trial.join(replace(first, state=first.state.clone(), update=update))
    return trial


def _step_s(trial: Batch) -> float:
    start = time.perf_counter()
    trial.step()
    return time.perf_counter() - start


def _is_clear(seconds: dict[Precision, list[float]]) -> bool:
    """Whether one is so much quicker than the other that no disturbance explains it."""
    quickest = [min(found, default=0.0) for found in seconds.values()]
    return max(quickest) > _CLEAR * min(quickest) > 0


def _are_even(seconds: dict[Precision, list[float]]) -> bool:
    """Whether the two quickest steps of each precision took about as long."""
    pairs = [sorted(found)[:2] for found in seconds.values()]
    return all(pair[-1] <= _SPREAD * pair[0] for pair in pairs)


def _file(folder: Path, networks: Sequence[BackboneRow]) -> Path:
    """One for each processor, number of cores, PyTorch and architectures."""
    machine = (
        platform.processor() or platform.machine(),
        _model(),
        torch.get_num_threads(),
        torch.__version__,
        torch.backends.cpu.get_cpu_capability(),
        os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
    )
    asked = [(row.architecture, row.input_size) for row in networks]
    name = hashlib.sha256(repr((machine, asked)).encode()).hexdigest()[:16]
    return folder / "precision" / name


def _model() -> str:
    """What the processor calls itself, on Linux; elsewhere ``platform`` says it."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line for line in lines if line.startswith("model name")), "")
    return ""


def _keep(path: Path, found: Precision) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, found.encode())
    except OSError as error:
        _log.warning("the precision of a network can't be kept: %s", error)
