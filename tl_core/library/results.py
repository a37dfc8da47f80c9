"""What the library's verbs return: figures, and a picture that notebooks show."""

import base64
import html
import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.machine.files import write_whole
from tl_core.specs.attack import Gap
from tl_core.specs.attribution import Faithfulness
from tl_core.specs.classify import Answer, Novelty
from tl_core.specs.feature_maps import LayerFacts

if TYPE_CHECKING:  # results are cheap to import
    from PIL.Image import Image

_PNG = b"\x89PNG"  # how such a file begins
USUAL_SHARE = 0.05  # of new photographs of a model's classes that may be turned away


def in_words(answer: Answer) -> str:
    """A class with its probability, as a person reads it."""
    return f"{answer.label} {answer.probability:.1%}"


@dataclass(frozen=True)
class Result:
    """A file with a picture, PNG or JPEG, and what a verb found beside it.

    ``code`` is a program in plain PyTorch that does the same; empty where there is none: about a
    model that was taught, and for what the programs leave out.
    """

    data: bytes = field(repr=False)
    code: str = field(repr=False)

    @property
    def image(self) -> "Image":
        """The picture in RGB."""
        from PIL import Image

        return Image.open(io.BytesIO(self.data)).convert("RGB")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture's file: as PNG where it is called so, else as it is. All or nothing.

        Raises:
            OSError: If there is no such folder, or no file can be written there.
        """
        path, data = Path(path).expanduser(), self.data
        if path.suffix.lower() == ".png" and not data.startswith(_PNG):
            from tl_core.images.encode import encode_png

            data = encode_png(self.image)
        write_whole(path, data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._said()}>"

    def _said(self) -> str:
        """The figures in a line."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        kind = "png" if self.data.startswith(_PNG) else "jpeg"
        picture = base64.b64encode(self.data).decode()
        said = html.escape(self._said())
        return (
            f'<figure style="margin: 0"><img src="data:image/{kind};base64,{picture}" alt="{said}">'
            f"<figcaption>{said}</figcaption></figure>"
        )


@dataclass(frozen=True, repr=False)
class Answers(Result):
    """The most probable classes of a photograph, best first; the picture is what was seen."""

    answers: tuple[Answer, ...]
    milliseconds: float  # of one forward pass
    novelty: Novelty | None = None  # of a model that can tell

    @property
    def best(self) -> Answer:
        """The most probable class."""
        return self.answers[0]

    @property
    def is_none_of_these(self) -> bool:
        """Whether a photograph of the taught classes is this unusual once in twenty, or less."""
        return self.novelty is not None and self.novelty.p_value <= USUAL_SHARE

    def _said(self) -> str:
        said = ", ".join(map(in_words, self.answers))
        return f"none of these; it would choose {said}" if self.is_none_of_these else said


@dataclass(frozen=True, repr=False)
class Maps(Result):
    """A layer's most active feature maps as a mosaic, the most active first."""

    layer: LayerFacts
    channels: tuple[int, ...]

    def _said(self) -> str:
        facts = self.layer
        return (
            f"{len(self.channels)} of {facts.shape[0]} channels of {facts.layer}, each "
            f"{facts.shape[1]} x {facts.shape[2]}; a unit sees {facts.receptive_field} pixels"
        )


@dataclass(frozen=True, repr=False)
class Reasons(Result):
    """A saliency map over the photograph: what speaks for a class."""

    method: str
    target: Answer
    peak: tuple[int, int]  # x and y of the greatest value, in pixels
    faithfulness: Faithfulness | None  # what blurring the marked pixels does

    def _said(self) -> str:
        said = f"{self.method} for {in_words(self.target)}"
        if self.faithfulness is not None:
            blurred, at_random = self.faithfulness.important, self.faithfulness.random
            said += (
                f"; {blurred:.1%} without the marked fifth, {at_random:.1%} without a random one"
            )
        return said


@dataclass(frozen=True, repr=False)
class Ideal(Result):
    """A picture that the network was drawn to believe; the PNG has its settings inside."""

    target: str  # the class's name
    probability: float  # of the class, for the 8-bit picture
    total_variation: float
    steps: int
    settings: str = field(repr=False)  # JSON that draws it again

    def _said(self) -> str:
        return f"{self.target} {self.probability:.1%} after {self.steps} steps"


@dataclass(frozen=True, repr=False)
class Attacked(Result):
    """A photograph that was changed by a few levels of 255; figures are of the 8-bit picture."""

    original: bytes = field(repr=False)  # PNG: the photograph as the network saw it
    is_fooled: bool
    before: Answer
    after: Answer
    probability: float  # of the attack's goal, after
    epsilon: int  # the budget, in levels of 1/255
    gap: Gap
    first_success: int | None  # steps until the goal was on top
    first_confident: int | None  # steps until it was with the confidence that was asked for
    judges: dict[str, Answer]  # what other networks say of the picture, by their names
    settings: str = field(repr=False)  # JSON that attacks again

    def _said(self) -> str:
        verdict = "fooled" if self.is_fooled else "not fooled"
        said = f"{verdict}: {in_words(self.before)} became {in_words(self.after)}"
        said += f" within {self.gap.linf_levels} of 255 levels"
        for name, answer in self.judges.items():
            said += f"; {name} says {in_words(answer)}"
        return said
