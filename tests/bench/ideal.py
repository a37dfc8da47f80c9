"""How good and how fast ideal images are: every recipe, shown to other networks.

Optimised on Lite0 alone; a picture is rounded to 8 bits and shown whole, at their own input size,
to Lite1 and Lite2, which never took part.
"""

import argparse
import importlib.util
import json
import time
from pathlib import Path

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.store import BackboneStore
from tl_core.ideal.slot import recipe_slot
from tl_core.imageopt import augment
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.eight_bit import array_from, rounded
from tl_core.imageopt.losses import total_variation
from tl_core.imageopt.precision import known, measure
from tl_core.imageopt.slot import Slot
from tl_core.images.encode import encode_png
from tl_core.machine.process_memory import keep_freed_memory
from tl_core.settings import Precision, Settings
from tl_core.specs.ideal_recipes import LADDER, Recipe

DRAWN_ON, JUDGES = "efficientnet_lite0", ("efficientnet_lite1", "efficientnet_lite2")
SHOWN = (284, 340, 207, 953, 980)  # Siamese cat, zebra, golden retriever, pineapple, volcano


def main(argv: list[str] | None = None) -> int:
    """Print the table, or one JSON object with ``--json``."""
    options = _options().parse_args(argv)
    keep_freed_memory()
    device = torch.device(options.device)
    store = BackboneStore(Settings.from_env(), device)
    backbone, judges = store.load(DRAWN_ON), [store.load(key) for key in JUDGES]
    targets = list(range(7, 1000, 1000 // options.classes))[: options.classes]
    recipes = [recipe for recipe in LADDER if recipe.key in (options.rungs or [recipe.key])]
    found: dict[str, object] = {"device": _name(device), "classes": len(targets)}
    found["ladder"] = [
        rung(recipe, steps, targets, backbone, judges, options)
        for recipe in recipes
        for steps in options.steps
    ]
    if options.sheet:
        contact_sheet(backbone, options.steps, options.seeds, Path(options.sheet))
    if options.speed_steps:
        found["speed"] = speed(backbone, options.speed_steps)
    found["lucent"] = lucent(backbone, targets, options, judges)
    print(json.dumps(found) if options.json else _table(found))
    return 0


def rung(
    recipe: Recipe,
    steps: int,
    targets: list[int],
    backbone: Backbone,
    judges: list[Backbone],
    options: argparse.Namespace,
) -> dict[str, object]:
    """Draw every target by one recipe and ask the judges."""
    start, pictures = time.perf_counter(), []
    for first in range(0, len(targets), options.batch):
        chosen = targets[first : first + options.batch]
        slots = [slot_of(recipe, target, 0, steps, backbone) for target in chosen]
        pictures.append(draw(backbone, slots, options.precision))
    pixels = torch.cat(pictures)
    seconds = time.perf_counter() - start
    return {
        "recipe": recipe.key,
        "steps": steps,
        "ms_per_picture_step": round(1000 * seconds / steps / len(targets), 2),
        "total_variation": round(total_variation(pixels).mean().item(), 4),
    } | {judge.key: verdict(judge, pixels, targets) for judge in (backbone, *judges)}


def draw(backbone: Backbone, slots: list[Slot], precision: Precision = "auto") -> Tensor:
    """Run slots to their end together; their pictures, rounded to 8 bits, (N, 3, S, S)."""
    batch = Batch([backbone], precision)
    for slot in slots:
        batch.join(slot)
    if precision == "auto":
        batch.precision = chosen(batch)
    for _ in range(slots[0].steps):
        batch.step()
    order = [batch.slots.index(slot) for slot in slots]
    return rounded(batch.pixels()[order])


def chosen(batch: Batch) -> Precision:
    """The precision that the lab would draw in here."""
    (backbone,), folder = batch.backbones, Settings.from_env().cache_dir
    return known(folder, backbone.device, [backbone.row]) or measure(folder, batch)


def slot_of(recipe: Recipe, target: int, seed: int, steps: int, backbone: Backbone) -> Slot:
    """A slot as the ideal image's handler would make it."""
    target_weights = torch.zeros(len(backbone.classes), device=backbone.device)
    target_weights[target] = 1
    return recipe_slot(
        recipe,
        target_weights=target_weights,
        seed=seed,
        steps=steps,
        side=backbone.input_size,
    )


def verdict(judge: Backbone, pixels: Tensor, targets: list[int]) -> dict[str, float]:
    """Mean probability of the targets, and the share of pictures whose likeliest class it is."""
    labels = torch.tensor(targets, device=pixels.device)
    with torch.inference_mode():
        probs = torch.cat(
            [
                judge.logits(augment.resize(part, judge.input_size)).softmax(1)
                for part in pixels.split(8)
            ]
        )
    mine = probs.gather(1, labels[:, None])
    return {
        "p": round(mine.mean().item(), 4),
        "top1": round((probs.argmax(1) == labels).float().mean().item(), 4),
    }


def speed(backbone: Backbone, steps: int) -> dict[str, float]:
    """Steps a second of one slot, picture-steps a second of eight, as precise as the lab is."""

    def rate(count: int) -> float:
        slots = [slot_of(LADDER[-1], 284, seed, steps + 2, backbone) for seed in range(count)]
        batch = Batch([backbone], "auto")
        for slot in slots:
            batch.join(slot)
        for _ in range(2):
            batch.step()  # warm up
        _wait(backbone.device)
        start = time.perf_counter()
        for _ in range(steps):
            batch.step()
        _wait(backbone.device)
        return round(count * steps / (time.perf_counter() - start), 2)

    return {"steps_per_s_1": rate(1), "picture_steps_per_s_8": rate(8)}


def lucent(
    backbone: Backbone, targets: list[int], options: argparse.Namespace, judges: list[Backbone]
) -> dict[str, object] | str:
    """Lucent's own default recipe on the same classes, size and steps."""
    if importlib.util.find_spec("lucent") is None:
        return "not installed"
    import kornia
    from kornia.geometry import transform

    # torch-lucent 0.1.8 knows these by their old names
    kornia.get_rotation_matrix2d = transform.get_rotation_matrix2d
    kornia.warp_affine = transform.warp_affine
    from lucent.optvis import objectives, param, render

    network = _Normalised(backbone)
    steps, pictures = options.steps[0], []
    start = time.perf_counter()
    for target in targets:
        torch.manual_seed(0)
        shown = render.render_vis(
            network,
            objectives.channel("head", target),
            param_f=lambda: param.image(backbone.input_size),
            thresholds=(steps,),
            show_image=False,
            progress=False,
            preprocess=False,
        )
        pictures.append(torch.from_numpy(shown[-1]).permute(0, 3, 1, 2).float())
    seconds = time.perf_counter() - start
    pixels = rounded(torch.cat(pictures).to(backbone.device).clamp(0, 1))
    return {
        "steps": steps,
        "ms_per_picture_step": round(1000 * seconds / steps / len(targets), 2),
    } | {judge.key: verdict(judge, pixels, targets) for judge in (backbone, *judges)}


class _Normalised(torch.nn.Module):
    """A backbone as Lucent wants it: a module whose layers have names."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.body, self.head, self._normalise = backbone.body, backbone.head, backbone.normalise

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(self._normalise(pixels)))
        return logits


def contact_sheet(backbone: Backbone, steps: list[int], seeds: int, path: Path) -> None:
    """Five classes across; for each number of steps a row per seed."""
    rows = []
    for count in steps:
        for seed in range(seeds):
            slots = [slot_of(LADDER[-1], t, seed, count, backbone) for t in SHOWN]
            rows.append(torch.cat(list(draw(backbone, slots)), dim=2))
    path.write_bytes(encode_png(array_from(torch.cat(rows, dim=1)[None])))


def _table(found: dict[str, object]) -> str:
    rungs = found["ladder"]
    assert isinstance(rungs, list)
    head = "| recipe | steps | own p | lite1 p | lite2 p | top-1 | variation | ms |\n" + "|---" * 8
    lines = [f"{found['classes']} classes on {found['device']}", "", head + "|"]
    for row in rungs:
        own, one, two = (row[key] for key in (DRAWN_ON, *JUDGES))
        lines.append(
            f"| {row['recipe']} | {row['steps']} | {own['p']:.2f} | {one['p']:.3f} | "
            f"{two['p']:.3f} | {one['top1']:.2f} / {two['top1']:.2f} | "
            f"{row['total_variation']:.3f} | {row['ms_per_picture_step']} |"
        )
    rest = {key: found[key] for key in ("speed", "lucent") if key in found}
    return "\n".join([*lines, "", json.dumps(rest)])


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench ideal", description=__doc__)
    parser.add_argument("--classes", type=int, default=50, help="how many, spread over ImageNet")
    parser.add_argument("--steps", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--rungs", nargs="+", choices=[recipe.key for recipe in LADDER])
    parser.add_argument("--batch", type=int, default=8, help="pictures drawn at once")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--speed-steps", type=int, default=20, help="0: measure no speed")
    parser.add_argument("--sheet", help="also write a contact sheet here, as PNG")
    parser.add_argument("--seeds", type=int, default=3, help="of the contact sheet")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
