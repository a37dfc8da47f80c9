"""Finished ideal images that the lab brings along, to look at before a visitor's own is drawn."""

from dataclasses import dataclass

from pages.languages import ASSETS
from pages.shared.choose_class import QUICK
from pages.shared.visit import the_lab
from pages.shared.words import _
from tl_core.specs.every import spec_from_json
from tl_core.specs.ideal import IdealImage

FOLDER = ASSETS / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """A finished ideal image, and the settings that draw it again."""

    picture: bytes  # WebP
    spec: IdealImage

    @property
    def words(self) -> str:
        """Who drew it, and how."""
        return _("Drawn by {backbone} in {steps} steps, seed {seed}.").format(
            backbone=the_lab().backbones.row(self.spec.backbone).label,
            steps=self.spec.steps,
            seed=self.spec.seed,
        )


def example_of(class_name: str) -> Example | None:
    """The example of a class; ``None`` where the lab brings none."""
    if class_name not in QUICK:
        return None
    stem = file_stem(class_name)
    spec = spec_from_json((FOLDER / f"{stem}.json").read_text(encoding="utf-8"))
    if not isinstance(spec, IdealImage):
        raise TypeError(f"{stem}.json holds settings of {type(spec).__name__}")
    return Example((FOLDER / f"{stem}.webp").read_bytes(), spec)


def file_stem(class_name: str) -> str:
    """The name of a class's files, without their ending."""
    return class_name.lower().replace(" ", "_")
