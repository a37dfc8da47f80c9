"""What several commands need: settings and photographs, classes by name, waiting for a job.

Every function raises ``UserError`` for what the person at the command line can change.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tl_core.commands.output import show_line
from tl_core.commands.paths import read
from tl_core.errors import UserError
from tl_core.lab import JobState, Lab
from tl_core.library.inputs import find_class
from tl_core.settings import LARGEST_PHOTO_MB
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.download import OPERATOR
from tl_core.specs.every import spec_from_json

OWNER = OPERATOR
_POLL_S = 0.2
_LARGEST_SPEC_MB = 5  # one that names as many photographs as can be has less

AnySpec = TypeVar("AnySpec", bound=Spec)


def read_spec(path: Path, kind: type[AnySpec]) -> AnySpec:
    """The settings, of the given kind, that a page handed out in a JSON file."""
    spec = spec_from_json(read(path, _LARGEST_SPEC_MB).decode("utf-8", errors="replace"))
    if not isinstance(spec, kind):
        raise UserError("{path} holds the settings of another page.", path=path)
    return spec


def add_photo(lab: Lab, path: Path) -> str:
    """Hand a photograph to the lab; its key for specs."""
    return lab.photos.add(read(path, LARGEST_PHOTO_MB), OWNER)


def class_index(lab: Lab, backbone: str, name: str) -> int:
    """The class that a person named, by its index or by its name."""
    return find_class(lab.backbones.classes(backbone), name)


def show_step(snapshot: Snapshot) -> None:
    """Write how many steps are done."""
    show_line(f"step {snapshot.step} of {snapshot.steps}")


def run_to_end(
    lab: Lab, spec: Spec, *, show: Callable[[Snapshot], None] = lambda _snapshot: None
) -> Any:
    """Run a spec to its end and return its last snapshot, calling ``show`` on the way."""
    job = lab.jobs.submit(spec, OWNER)
    while not job.wait(_POLL_S):
        if job.snapshot is not None:
            show(job.snapshot)
    if job.error is not None:
        raise job.error
    if job.state is not JobState.DONE or job.snapshot is None:
        raise UserError("The work was stopped before it was done. Start it again.")
    return job.snapshot
