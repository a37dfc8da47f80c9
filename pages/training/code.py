"""Show me the code of *Teach it*: a program for each mode that is chosen."""

from collections.abc import Sequence
from typing import Any

from pages.shared.show_code import show_programs
from pages.shared.visit import the_lab
from pages.shared.words import _
from tl_core.programs.program import training_program
from tl_core.specs.training import mode_row


def show_code_of(modes: Sequence[str], backbone: str, settings: dict[str, Any]) -> None:
    """Draw the switch, and below it the code of each mode."""
    row = the_lab().backbones.row(backbone)
    programs = {_(mode_row(mode).label): training_program(mode, row, settings) for mode in modes}
    show_programs(programs, backbone)
