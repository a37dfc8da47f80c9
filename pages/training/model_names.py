"""What models are called, and their classes: names can be changed without learning again."""

from collections.abc import Sequence
from datetime import datetime

from pages.shared.own_models import own_models
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, time_zone
from pages.visit.state import Box
from tl_core.specs.datasets import are_own_names
from tl_core.specs.training import LABEL_LENGTH, mode_row

_NAMED = 3  # classes in a model's name


def now() -> str:
    """The time of day on the visitor's clock."""
    return datetime.now(time_zone()).strftime("%H:%M")


def proposed(classes: Sequence[str], way: str, at: str) -> str:
    """A name that one can tell from others: what was taught, how, and when."""
    named = [name.replace("_", " ") for name in classes[:_NAMED]]
    if len(classes) == 2:
        about = _("{first} and {second}").format(first=named[0], second=named[1])
    else:
        about = ", ".join(named) + (" …" if len(classes) > _NAMED else "")
    words = _("{classes}, {way}, {time}")
    return words.format(classes=about, way=way[:1].lower() + way[1:], time=at)[:LABEL_LENGTH]


def boxes_of(model: str) -> list[Box]:
    """The boxes that a model's classes are from, in their order; none if one of them has gone."""
    visit = the_visit()
    taught, boxes = visit.taught.get(model), {box.id: box for box in visit.boxes}
    if taught is None or not set(taught.boxes) <= boxes.keys():
        return []
    return [boxes[number] for number in taught.boxes]


def keep_names() -> None:
    """Have the models that were taught from boxes call their classes as the boxes are called."""
    visit, lab = the_visit(), the_lab()
    for model in own_models():
        names = [box.name for box in boxes_of(model)]
        if not names:
            continue
        taught = visit.taught[model]
        if tuple(names) != lab.backbones.classes(model) and are_own_names(names):
            is_ours = model not in visit.named
            way = _(mode_row(taught.mode).short)
            label = proposed(names, way, taught.at) if is_ours else ""
            lab.models.rename(model, label=label, classes=names)
