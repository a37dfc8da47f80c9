"""What a command calls of the library, and what it says of the result.

Every function raises ``UserError`` for what the person at the command line can change.
"""

import math
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import tl_core.library as tl
from tl_core.commands.output import Result, show_line, show_step
from tl_core.commands.paths import write, writing
from tl_core.errors import UserError
from tl_core.library.inputs import file_bytes, find_class
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.datasets import PRIVATE_DATASET
from tl_core.specs.every import spec_from_json
from tl_core.specs.ideal import IdealImage
from tl_core.specs.training import FineTune, FineTuneResult, FineTuneSnapshot

_LARGEST_SPEC_MB = 5  # one that names as many photographs as can be has less

AnySpec = TypeVar("AnySpec", bound=Spec)


def classify(options: Namespace) -> Result:
    """Classify the photograph, by a backbone or by a model's file."""
    found = tl.load(options.backbone).classify(options.image, top=options.top)
    facts = {
        "backbone": options.backbone,
        "milliseconds": round(found.milliseconds, 1),
        "answers": [asdict(best) for best in found.answers],
    }
    lines = [f"{best.probability:7.1%}  {best.label}" for best in found.answers]
    if found.novelty is not None:
        p_value, is_none = found.novelty.p_value, found.is_none_of_these
        facts |= {"p_value": p_value, "is_none_of_these": is_none}
        if is_none:
            lines = [f"none of these (p = {p_value:.3f}); it would choose", *lines]
    return Result(facts, "\n".join(lines))


def features(options: Namespace) -> Result:
    """Write the mosaic of the layer's most active channels."""
    net = tl.load(options.backbone)
    found = net.feature_maps(options.image, options.layer, top=options.top)
    _save(found, options.out)
    layer = found.layer
    facts = {
        "out": str(options.out),
        "layer": layer.layer,
        "shape": list(layer.shape),
        "stride": layer.stride,
        "receptive_field": layer.receptive_field,
        "channels": list(found.channels),
    }
    return Result(facts, f"{options.out}: {len(found.channels)} of {layer.shape[0]} channels")


def attribute(options: Namespace) -> Result:
    """Write a map of what speaks for a class, over the photograph."""
    found = tl.load(options.backbone).attribute(
        options.image,
        method=options.method,
        target=options.target or None,
        layer=options.layer,
        seed=options.seed,
    )
    _save(found, options.out)
    measured = found.faithfulness
    assert measured is not None  # nothing is contrasted
    facts = {
        "out": str(options.out),
        "method": found.method,
        "target": asdict(found.target),
        "peak": list(found.peak),
        "faithfulness": {
            "before": measured.before,
            "important_blurred": measured.important,
            "random_blurred": measured.random,
        },
    }
    text = (
        f"{options.out}: {found.target.label} {found.target.probability:.1%}; "
        f"{measured.important:.1%} with the most important fifth blurred, {measured.random:.1%} "
        "with a random fifth"
    )
    return Result(facts, text)


def ideal(options: Namespace) -> Result:
    """Draw the picture and write it with its settings inside."""
    if options.spec is not None:
        settings = dict(vars(_read_spec(options.spec, IdealImage)))
    elif options.target:
        names = ("backbone", "target", "steps", "seed")
        settings = {name: getattr(options, name) for name in names}
        settings |= {"tv_weight": options.tv, "photo": ""}
    else:
        raise UserError("Name a class with --target, or a settings file with --spec.")
    net, start = tl.load(settings.pop("backbone")), settings.pop("photo")
    target = find_class(net.classes, settings.pop("target"))
    found = net.ideal(
        target,
        tv=settings.pop("tv_weight"),
        start=options.photo or start or None,
        callback=show_step,
        **settings,
    )
    _save(found, options.out)
    facts = {
        "out": str(options.out),
        "target": target,
        "probability": found.probability,
        "total_variation": found.total_variation,
        "steps": found.steps,
    }
    is_class = not math.isnan(found.probability)
    probability = f" probability {found.probability:.1%}" if is_class else ""
    return Result(facts, f"{options.out}:{probability} after {found.steps} steps")


def attack(options: Namespace) -> Result:
    """Change a photograph until the network sees the target in it."""
    if options.original is not None and options.original.resolve() == options.out.resolve():
        raise UserError("--out and --original are the same file. Give them two names.")
    net = tl.load(options.backbone)
    target = find_class(net.classes, options.target)
    names = ("epsilon", "seed", "steps", "method", "confidence")
    found = net.attack(
        options.image,
        target,
        callback=show_step,
        **{name: getattr(options, name) for name in names},
    )
    _save(found, options.out)
    if options.original is not None:
        write(options.original, found.original)
    facts = {
        "out": str(options.out),
        "target": target,
        "fooled": found.is_fooled,
        "steps": found.first_success,
        "confident_steps": found.first_confident,
        "probability": found.probability,
        "before": found.before.label,
        "after": found.after.label,
        "linf_levels": found.gap.linf_levels,
        "psnr_db": found.gap.psnr_db,
        "changed_values": found.gap.changed_values,
    }
    verdict = "not fooled"
    if found.is_fooled:
        verdict = (
            f"fooled after {found.first_success} steps, {found.probability:.0%} sure at the end"
        )
    text = f"{options.out}: {verdict}; {found.before.label} is seen as {found.after.label}"
    return Result(facts, text)


def train(options: Namespace) -> Result:
    """Teach, test, and write the model to a safetensors file."""
    data = options.data
    if options.spec is not None:
        settings = dict(vars(_read_spec(options.spec, FineTune).without_photos()))
        data = data or settings["dataset"]
        for name in ("dataset", "photos", "tests", "bursts"):
            del settings[name]
    else:
        names = ("backbone", "mode", "epochs", "photos_per_class", "seed")
        settings = {name: getattr(options, name) for name in names}
    if data in (None, PRIVATE_DATASET):
        raise UserError("Name a folder of photographs with --data, or settings with --spec.")
    net = tl.load(settings.pop("backbone"))
    taught = net.train(data, callback=_show_training, **settings)
    _save(taught, options.out)
    found = taught.training
    assert found is not None
    assert found.result is not None
    return _taught(found, found.result, options.out)


def _taught(found: FineTuneSnapshot, best: FineTuneResult, out: Path) -> Result:
    facts = {
        "out": str(out),
        "mode": found.mode,
        "accuracy": best.accuracy,
        "interval": list(best.interval),
        "top3": best.top3,
        "seconds": round(found.seconds, 2),
        "best_epoch": found.best_epoch,
        "classes": list(found.classes),
        "tested_on": "validation photographs, which also chose the epoch",
        "unfrozen_accuracy": best.unfrozen_accuracy,
        "is_head_alone": best.is_head_alone,
        "has_diverged": best.has_diverged,
        "train_photographs": found.train_photographs,
        "validation_photographs": found.validation_photographs,
        "trainable_parameters": found.trainable_parameters,
        "left_out": list(found.left_out),
    }
    low, high = best.interval
    text = (
        f"{out}: {best.accuracy:.1%} right on {found.validation_photographs} validation "
        f"photographs, which also chose the epoch (95 % interval {low:.1%} to {high:.1%}), "
        f"{found.seconds:.1f} s"
    )
    return Result(facts, text + _ending(best))


def _ending(best: FineTuneResult) -> str:
    """What the figures do not tell."""
    ending = ""
    if best.is_head_alone and best.unfrozen_accuracy is not None:
        ending += (
            f"; the unfrozen network reached {best.unfrozen_accuracy:.1%} at its best, so the head "
            "alone was kept"
        )
    if best.has_diverged:
        ending += "; training flew apart, and what was best before is kept"
    return ending


def _read_spec(path: Path, kind: type[AnySpec]) -> AnySpec:
    """The settings, of the given kind, that a page handed out in a JSON file."""
    text = file_bytes(path, _LARGEST_SPEC_MB).decode("utf-8", errors="replace")
    spec = spec_from_json(text)
    if not isinstance(spec, kind):
        raise UserError("{path} holds the settings of another page.", path=path)
    return spec


def _show_training(snapshot: Snapshot) -> None:
    if isinstance(snapshot, FineTuneSnapshot):
        accuracy = f", {snapshot.epochs[-1].validation_accuracy:.1%}" if snapshot.epochs else ""
        show_line(f"{snapshot.phase}: {snapshot.step} of {snapshot.steps}{accuracy}")


def _save(found: Any, path: Path) -> None:
    with writing(path):
        found.save(path)
