"""What transfer learning is, as a drawing in the visitor's language."""

from pages.shared.drawing import draw_svg
from pages.shared.words import _


def diagram() -> None:
    """A photograph on its way through a frozen backbone to a new head."""
    whole = _(
        "A photograph goes through a frozen backbone; you train only a small new head on top."
    )
    words = {
        "photograph": _("photograph"),
        "backbone": _("backbone: pretrained, frozen"),
        "edges": _("edges"),
        "textures": _("textures"),
        "parts": _("parts"),
        "things": _("objects"),
        "head": _("new head"),
        "answer": _("cat {percent:.0f} %").format(percent=97),
        "you_train": _("you train"),
        "only_this": _("only this"),
        "reused": _("learned from 1.28 million photographs, then reused"),
    }
    draw_svg("transfer", words, alt=whole)
