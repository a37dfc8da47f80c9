"""The networks from 2014 on as a drawing: those of the lab, and what came since."""

from pages.shared.drawing import draw_svg
from pages.shared.words import _
from tl_core.lab import gettext_noop as N_

_NAMES = (
    ("VGG", N_("deep and plain"), 2014),
    ("ResNet", N_("skip connections"), 2015),
    ("MobileNet", N_("split convolutions"), 2017),
    ("EfficientNet", N_("balanced growth"), 2019),
    ("Vision Transformer", N_("attention"), 2020),
    ("SimCLR, DINO, MAE", N_("no labels"), 2021),
    ("CLIP", N_("words and pictures"), 2021),
    ("LoRA", N_("small additions"), 2021),
)


def timeline() -> None:
    """Eight stations on a line; the lab has the first four."""
    words = {f"name{i}": name for i, (name, _idea, _year) in enumerate(_NAMES)}
    words |= {f"idea{i}": _(idea) for i, (_name, idea, _year) in enumerate(_NAMES)}
    words |= {f"year{i}": str(year) for i, (_name, _idea, year) in enumerate(_NAMES)}
    words |= {"here": _("in this lab"), "since": _("not in this lab")}
    whole = "; ".join(f"{year} {name}: {_(idea)}" for name, idea, year in _NAMES)
    draw_svg("timeline", words, alt=whole)
