"""What the lab computes on, in words."""

from pages.shared.visit import the_lab
from pages.shared.words import ngettext


def device_words() -> str:
    """A graphics card has a name; a processor has cores."""
    status = the_lab().status()
    words = ngettext("CPU, {cores} core", "CPU, {cores} cores", status.cores)
    return words.format(cores=status.cores) if status.cores else status.device
