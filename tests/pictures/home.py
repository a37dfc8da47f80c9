"""Draw assets/home/ anew: the pictures of the Home page, and the figures that its words quote.

``TL_DATA_DIR`` names a folder that has cats and dogs in ``cats_vs_dogs/``.
"""

import io
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from pages.ideal.examples import FOLDER as EXAMPLES
from pages.ideal.examples import file_stem
from pages.languages import ASSETS
from tests.local_compute import local
from tests.pictures.examples import webp
from tl_core.backbones.store import BackboneStore
from tl_core.commands.common import OWNER, run_to_end
from tl_core.context import pixels_from
from tl_core.feature_maps.activations import probe, to_half
from tl_core.feature_maps.mosaic import overlay_channel
from tl_core.images.encode import encode_png
from tl_core.images.photo import to_array
from tl_core.lab import Lab
from tl_core.machine.files import write_whole
from tl_core.specs.attack import Attack
from tl_core.specs.classify import Classify
from tl_core.specs.feature_maps import ChannelDetail
from tl_core.specs.training import FineTune

FOLDER = ASSETS / "home"
CAT = "sample:cat"  # CC0, so that pictures made of it may be handed on
IDEAL, JUDGE = "Siamese cat", "efficientnet_lite1"
LAYER, CHANNEL = "blocks.4.2", 76  # moved by both eyes of the cat and by little else
GAP_PX = 8  # between the photograph and the attacked one
CATS_AND_DOGS, PHOTOS_PER_CLASS, EPOCHS = "cats_vs_dogs", 8, 30
THEMES = ("light", "dark")
_CONFIG = tomllib.loads((ASSETS.parent / ".streamlit/config.toml").read_text(encoding="utf-8"))


def main(folder: Path = FOLDER) -> None:
    """Draw all and write ``figures.json``."""
    with Lab() as lab:
        figures = {
            "ideal": ideal(lab),
            "channel": channel(lab, folder),
            "fooled": fooled(lab, folder),
            "training": training(lab, folder),
        }
    write_whole(folder / "figures.json", (json.dumps(figures, indent=1) + "\n").encode())


def ideal(lab: Lab) -> dict[str, Any]:
    """What the network that drew the ideal cat sees in it, and what another one does."""
    file = EXAMPLES / f"{file_stem(IDEAL)}.webp"
    photo = lab.photos.add(file.read_bytes(), OWNER)
    spec = Classify(photo=photo)
    judged = run_to_end(lab, Classify(photo=photo, backbone=JUDGE)).answers[0]
    return {
        "backbone": lab.backbones.row(spec.backbone).label,
        "class": IDEAL,
        "probability": round(run_to_end(lab, spec).answers[0].probability, 3),
        "judge": lab.backbones.row(JUDGE).label,
        "judge_class": judged.label,
        "judge_probability": round(judged.probability, 3),
    }


def channel(lab: Lab, folder: Path) -> dict[str, Any]:
    """Draw the photograph under a heat map of one channel."""
    found = run_to_end(lab, ChannelDetail(photo=CAT, layer=LAYER, channel=CHANNEL))
    photo = to_array(Image.open(io.BytesIO(found.photo)))
    backbone = BackboneStore(lab.settings, local(lab).device).load(
        ChannelDetail(photo=CAT).backbone
    )
    activations = probe(backbone, pixels_from(photo, local(lab).device), [LAYER])[LAYER]
    picture = overlay_channel(photo, to_half(activations[0])[CHANNEL], found.scale)
    write_whole(folder / "channel.webp", webp(encode_png(picture), quality=90))
    return {
        "backbone": lab.backbones.row(backbone.key).label,
        "layer": LAYER,
        "channel": CHANNEL,
        "channels": found.facts.shape[0],
    }


def fooled(lab: Lab, folder: Path) -> dict[str, Any]:
    """Draw the photograph and, to its right, what the network takes for a pineapple."""
    classes = lab.backbones.classes(Attack(photo=CAT).backbone)
    spec = Attack(
        photo=CAT, target=classes.index("pineapple"), epsilon=2, steps=200, confidence=0.99
    )
    found = run_to_end(lab, spec)
    before, after = (Image.open(io.BytesIO(png)) for png in (found.original, found.picture))
    pair = Image.new("RGB", (2 * before.width + GAP_PX, before.height), "white")
    pair.paste(before, (0, 0))
    pair.paste(after, (before.width + GAP_PX, 0))
    write_whole(folder / "fooled.webp", webp(encode_png(pair), lossless=True, quality=100))
    return {
        "backbone": lab.backbones.row(spec.backbone).label,
        "before": found.before[0].label,
        "before_probability": round(found.before[0].probability, 3),
        "after": found.after[0].label,
        "after_probability": round(found.after[0].probability, 3),
        "levels": found.gap.linf_levels,
    }


def training(lab: Lab, folder: Path) -> dict[str, Any]:
    """Draw how the share of right answers grows, with a pretrained network and from scratch."""
    specs = [
        FineTune(dataset=CATS_AND_DOGS, photos_per_class=PHOTOS_PER_CLASS, mode=mode, epochs=EPOCHS)
        for mode in ("head", "scratch")
    ]
    pretrained, scratch = (run_to_end(lab, spec) for spec in specs)
    curves = {
        name: [round(epoch.validation_accuracy, 3) for epoch in found.epochs]
        for name, found in (("pretrained", pretrained), ("scratch", scratch))
    }
    for theme in THEMES:
        write_whole(
            folder / f"training_{theme}.svg",
            curve(curves["pretrained"], curves["scratch"], theme).encode(),
        )
    return {
        "backbone": lab.backbones.row(specs[0].backbone).label,
        "photographs": pretrained.train_photographs,
        "tested_on": pretrained.validation_photographs,
        **curves,
    }


def curve(pretrained: Sequence[float], scratch: Sequence[float], theme: str) -> str:
    """Shares of right answers, epoch by epoch, as SVG in the colours of a theme."""
    colours = _CONFIG["theme"][theme]
    last = len(pretrained)

    def x(epoch: float) -> float:
        return round(56 + 364 * (epoch - 1) / (last - 1), 1)

    def y(share: float) -> float:
        return round(188 - 160 * share, 1)

    lines = "".join(
        f'<path d="M56 {y(share)} H420" stroke="{colours["borderColor"]}"/>'
        f'<text x="48" y="{y(share) + 5}" text-anchor="end">{share:.0%}</text>'
        for share in (0, 0.5, 1)
    )
    epochs = "".join(
        f'<text x="{x(epoch)}" y="210" text-anchor="middle">{epoch}</text>'
        for epoch in (1, last // 3, 2 * last // 3, last)
    )
    drawn = "".join(
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="4" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
        f'<circle cx="{x(last)}" cy="{y(shares[-1])}" r="6" fill="{colour}"/>'
        f'<text x="{x(last)}" y="{y(shares[-1]) + 26}" text-anchor="end" font-size="20" '
        f'font-weight="700" fill="{colour}">{shares[-1]:.0%}</text>'
        for shares, colour in (
            (pretrained, colours["primaryColor"]),
            (scratch, colours["textColor"]),
        )
        for points in [" ".join(f"{x(i)},{y(share)}" for i, share in enumerate(shares, start=1))]
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 448 224" font-size="15" '
        f"font-family=\"'Source Sans', 'Source Sans Pro', sans-serif\" "
        f'fill="{colours["textColor"]}">'
        f'<rect width="448" height="224" rx="12" fill="{colours["secondaryBackgroundColor"]}"/>'
        f"{lines}{epochs}{drawn}</svg>\n"
    )


if __name__ == "__main__":
    main()
