"""Show me the code of *Teach it*: a program for each mode that is chosen."""

from collections.abc import Sequence
from typing import Any

from pages.shared.show_code import FOLDER, Program, show_programs
from pages.shared.visit import the_lab
from pages.shared.words import _
from tl_core.lab import BackboneRow
from tl_core.specs.training import mode_row

_ALL = 100_000  # photographs a class: every one


def show_code_of(modes: Sequence[str], backbone: str, settings: dict[str, Any]) -> None:
    """Draw the switch, and below it the code of each mode."""
    row = the_lab().backbones.row(backbone)
    show_programs([program(mode, row, settings) for mode in modes], backbone)


def program(mode: str, row: BackboneRow, settings: dict[str, Any]) -> Program:
    """The program that trains in this mode what a ``FineTune`` with these settings trains."""
    found = mode_row(mode)
    chosen = {
        "per_class": settings.get("photos_per_class") or _ALL,
        "epochs": settings.get("epochs") or found.epochs,
        "learning_rate": settings.get("learning_rate") or found.learning_rate,
        "seed": settings.get("seed", 0),
    }
    if found.start == "pixels":
        name = "training_pixels"
    elif found.start == "random":
        name = "training_scratch"
    elif found.unfrozen == "head":
        name = "training"
    else:
        name = "training_unfrozen"
        is_all = found.unfrozen == "all"
        chosen = {"unfrozen_from": "" if is_all else row.last_block} | chosen
    photographs = "" if settings.get("dataset") == "digits" else FOLDER
    return Program(name, chosen, photographs, _(found.label))
