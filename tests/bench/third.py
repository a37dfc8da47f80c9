"""A third thing on the same background: ``python -m tl_core bench third --data DIR``.

Two things are recorded in front of a background, by one recording each or by two; then others are
held up there. Things are drawn, or cut out of photographs; backgrounds are photographs. Each row
names what of new recordings is turned away where 5 % of the own ones are, in other rooms.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFilter
from sklearn.metrics import roc_auc_score
from torch import Tensor

from tests.bench.train import lab
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.novelty import distances_to
from tl_core.backbones.rough_distances import ROUGH_DISTANCES
from tl_core.settings import Settings

ROOMS, THINGS, FRAMES, SIDE = 24, 5, 12, 360
PAIRS = ((0, 1), (2, 3), (1, 4))
_DARK = (40, 40, 40, 255)
_Row = tuple[int, int, int]  # room, thing, recording; the last recording is in the next room
Score = Callable[[Tensor, Tensor, Tensor], Tensor]


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench third")
    parser.add_argument("--data", type=Path, default=Settings.from_env().data_dir)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    arguments = parser.parse_args(argv)
    files = sorted(arguments.data.rglob("*.jpg"))
    with lab(arguments.data) as context:
        rows = dict(_recordings(context.backbones.load(arguments.backbone), files))
    general = ROUGH_DISTANCES[arguments.backbone][15]
    for recordings, frames in product((1, 2), (4, 8, 12)):
        print(f"{recordings} recording(s) of each, {frames} frames")
        for name, score in SCORES.items():
            found = [_scores(rows, room, recordings, frames, score) for room in range(ROOMS)]
            print(f"  {name:24}{_shares(found)}")
        own, third, away = map(torch.cat, zip(*_all(rows, recordings, frames), strict=True))
        shares = [
            f"{100 * float((one > general).float().mean()):.0f}" for one in (third, own, away)
        ]
        print(f"  {'general distance':24}third, own, own elsewhere: {', '.join(shares)} %")
    nearest = [own for count in (4, 8, 12) for own, _, _ in _all(rows, 1, count)]
    levels = torch.linspace(0.8, 0.99, 20)
    print([round(value, 3) for value in torch.cat(nearest).quantile(levels).tolist()])
    return 0


def _all(rows: dict[_Row, Tensor], recordings: int, frames: int) -> list[tuple[Tensor, ...]]:
    return [_scores(rows, room, recordings, frames, nearest) for room in range(ROOMS)]


def _scores(
    rows: dict[_Row, Tensor], room: int, recordings: int, frames: int, score: Score
) -> tuple[Tensor, ...]:
    """How unusual a new recording of the own things is, of others, of the own ones elsewhere."""
    found = []
    for pair in PAIRS:
        taught = [
            (rows[room, thing, number][:frames], label)
            for label, thing in enumerate(pair)
            for number in range(recordings)
        ]
        labels = torch.cat([torch.full((len(part),), label) for part, label in taught])
        reference = torch.cat([part for part, _ in taught])
        others = [thing for thing in range(THINGS) if thing not in pair]
        shown = [(pair, 2), (others, 2), (pair, 3)]
        found.append(
            [
                score(reference, labels, torch.cat([rows[room, thing, number] for thing in things]))
                for things, number in shown
            ]
        )
    return tuple(torch.cat(column) for column in zip(*found, strict=True))


def _shares(found: Sequence[tuple[Tensor, ...]]) -> str:
    """The area under the curve, and what is turned away at a threshold from the other rooms."""
    areas, shares = [], []
    for room, (own, third, elsewhere) in enumerate(found):
        truth = [0] * len(own) + [1] * len(third)
        areas.append(roc_auc_score(truth, torch.cat([own, third]).tolist()))
        rest = torch.cat([one[0] for number, one in enumerate(found) if number != room])
        limit = rest.quantile(0.95)
        shares.append([float((one > limit).float().mean()) for one in (third, own, elsewhere)])
    away = [f"{100 * fmean(column):.0f} %" for column in zip(*shares, strict=True)]
    return (
        f"area {fmean(areas):.2f}; turned away: {away[0]} of third things, {away[1]} of the own, "
        f"{away[2]} of the own in another room"
    )


def nearest(reference: Tensor, _labels: Tensor, shown: Tensor) -> Tensor:
    """Cosine distance to the nearest frame, as the lab has it."""
    return distances_to(F.normalize(reference, dim=1), shown)[0]


def without_background(reference: Tensor, labels: Tensor, shown: Tensor) -> Tensor:
    """The same of what differs from the mean of the classes' means."""
    mean = _means(reference, labels).mean(0)
    return nearest(reference - mean, labels, shown - mean)


def mahalanobis(reference: Tensor, labels: Tensor, shown: Tensor) -> Tensor:
    """Distance to the nearest class by one covariance, shrunk half-way (Lee et al. 2018)."""
    means = _means(reference, labels)
    within = reference - means[labels]
    share = 0.5 * within.pow(2).sum() / (len(within) - len(means)) / within.shape[1]
    spread = within / (2 * (len(within) - len(means))) ** 0.5
    _, scale, axes = torch.linalg.svd(spread, full_matrices=False)
    offset = shown[:, None] - means
    along = (offset @ axes.T).pow(2) * (scale**2 / (share * (share + scale**2)))
    return (offset.pow(2).sum(2) / share - along.sum(2)).amin(1)


def _means(reference: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([reference[labels == label].mean(0) for label in labels.unique()])


SCORES: dict[str, Score] = {
    "nearest frame": nearest,
    "without the background": without_background,
    "Mahalanobis": mahalanobis,
}


def _recordings(backbone: Backbone, files: Sequence[Path]) -> Iterator[tuple[_Row, Tensor]]:
    """Embeddings (12, D) of three recordings of five things in each room, and one elsewhere."""
    chance = random.Random(5)
    rooms = [_square(chance.choice(files), 400) for _ in range(ROOMS)]
    for room in range(ROOMS):
        is_drawn, shapes = room % 3 < 2, chance.sample(list(SHAPES), THINGS)
        for number in range(THINGS):
            thing = _drawn(shapes[number], chance) if is_drawn else _cut_out(chance.choice(files))
            for recording in range(4):
                behind = rooms[(room + recording // 3) % ROOMS]
                frames = [
                    torch.from_numpy(np.array(backbone.row.fit(frame)))
                    for frame in _frames(thing, behind, chance)
                ]
                pixels = torch.stack(frames).permute(0, 3, 1, 2).float() / 255
                with torch.inference_mode():
                    yield (room, number, recording), backbone.embed(pixels).float().clone()


def _frames(
    thing: Image.Image, behind: Image.Image, chance: random.Random
) -> Iterator[Image.Image]:
    """A slow walk of place, angle, size and light, with a camera's noise."""
    x, y, angle, size = *(chance.uniform(0.3, 0.7) for _ in "xy"), chance.uniform(-25, 25), 0.6
    light, width = chance.uniform(0.85, 1.1), behind.width
    for _ in range(FRAMES):
        x, y = (min(max(at + chance.gauss(0, 0.05), 0.25), 0.75) for at in (x, y))
        angle, size = angle + chance.gauss(0, 9), size * 2 ** chance.gauss(0, 0.1)
        held = thing.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        held = held.resize((round(held.width * size), round(held.height * size)))
        frame = behind.copy()
        place = round(x * width - held.width / 2), round(y * width - held.height / 2)
        frame.paste(held, place, held)
        noise = np.random.default_rng(chance.getrandbits(32)).normal(0, 4, (width, width, 3))
        seen = np.asarray(frame) * light * chance.uniform(0.96, 1.04) + noise
        yield Image.fromarray(seen.clip(0, 255).astype(np.uint8))


def _square(file: Path, side: int) -> Image.Image:
    with Image.open(file) as opened:
        photo, least = opened.convert("RGB"), min(opened.size)
    left, top = (photo.width - least) // 2, (photo.height - least) // 2
    return photo.crop((left, top, left + least, top + least)).resize((side, side))


def _cut_out(file: Path) -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).ellipse((25, 25, SIDE - 25, SIDE - 25), fill=255)
    photo = _square(file, SIDE)
    photo.putalpha(mask.filter(ImageFilter.GaussianBlur(8)))
    return photo


def _drawn(shape: str, chance: random.Random) -> Image.Image:
    colour = (*(chance.randrange(30, 256) for _ in "rgb"), 255)
    picture = Image.new("RGBA", (SIDE, SIDE))
    brush = ImageDraw.Draw(picture)
    for kind, box in SHAPES[shape]:
        getattr(brush, kind)(box, fill=colour if kind != "line" else _DARK, width=12)
    return picture


SHAPES: dict[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    "pen": (("rectangle", (40, 160, 290, 190)), ("line", (290, 175, 325, 175))),
    "cup": (("rectangle", (100, 90, 240, 270)), ("line", (240, 130, 285, 180))),
    "ball": (("ellipse", (90, 90, 270, 270)), ("line", (95, 180, 265, 180))),
    "key": (("ellipse", (40, 120, 140, 220)), ("line", (140, 170, 310, 170))),
    "book": (("rectangle", (80, 80, 280, 280)), ("line", (110, 120, 250, 120))),
    "spoon": (("ellipse", (40, 130, 150, 220)), ("rectangle", (140, 165, 320, 185))),
    "phone": (("rectangle", (120, 50, 240, 310)), ("line", (140, 70, 220, 70))),
    "scissors": (("line", (60, 60, 260, 260)), ("line", (260, 60, 60, 260))),
}
