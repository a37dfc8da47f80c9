"""Teach a network the classes of a folder."""

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from tl_core.commands import common
from tl_core.commands.output import Result, show_line
from tl_core.commands.paths import file_to_write, place, write
from tl_core.errors import UserError
from tl_core.lab import Lab, Settings
from tl_core.specs.base import Snapshot
from tl_core.specs.datasets import FOLDER, PRIVATE_DATASET
from tl_core.specs.training import MODES, FineTune, FineTuneResult, FineTuneSnapshot


def add_arguments(parser: ArgumentParser) -> None:
    """The folder, or saved settings, and how to train."""
    parser.add_argument("--data", type=place, metavar="DIR", help="a folder per class")
    parser.add_argument(
        "--spec",
        type=place,
        metavar="FILE.json",
        help="all settings of training, as the page hands them out; beside it only --data counts",
    )
    parser.add_argument("--mode", default="head", choices=[row.key for row in MODES])
    parser.add_argument("--epochs", type=int, default=0, metavar="N", help="0: the mode's own")
    parser.add_argument(
        "--photos-per-class", type=int, default=0, metavar="N", help="to learn from; 0: all"
    )
    parser.add_argument("--out", type=file_to_write, required=True, metavar="MODEL.safetensors")


def run(settings: Settings, options: Namespace) -> Result:
    """Teach, test, and write the model to a safetensors file."""
    data: Path | None = options.data
    with Lab(settings if data is None else _settings_beside(data, settings)) as lab:
        return _train(lab, options)


def _settings_beside(data: Path, settings: Settings) -> Settings:
    """The settings of a lab whose data sets lie where the folder ``data`` lies.

    Raises:
        UserError: If there is no such folder, or it is the whole disk.
    """
    if not data.is_dir() or not data.resolve().name:
        raise UserError(
            "{path} is no folder with a folder of photographs for each class. Name one.", path=data
        )
    return replace(settings, data_dir=data.resolve().parent)


def _train(lab: Lab, options: Namespace) -> Result:
    spec = _spec(options)
    found = common.run_to_end(lab, spec, show=_show)
    best = found.result
    write(options.out, lab.models.save(best.model))
    result = {
        "out": str(options.out),
        "mode": spec.mode,
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
        f"{options.out}: {best.accuracy:.1%} right on {found.validation_photographs} validation "
        f"photographs, which also chose the epoch (95 % interval {low:.1%} to {high:.1%}), "
        f"{found.seconds:.1f} s"
    )
    return Result(result, text + _ending(best))


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


def _spec(options: Namespace) -> FineTune:
    """What to teach: the options', or a settings file's on the folder that is named, if one is."""
    folder = FOLDER + options.data.resolve().name if options.data else ""
    if options.spec is not None:
        spec = common.read_spec(options.spec, FineTune)
        folder = folder or spec.without_photos().dataset
        if folder != PRIVATE_DATASET:
            return replace(spec, dataset=folder, photos=())
    if not folder or folder == PRIVATE_DATASET:
        raise UserError("Name a folder of photographs with --data, or settings with --spec.")
    return FineTune(
        dataset=folder,
        mode=options.mode,
        epochs=options.epochs,
        photos_per_class=options.photos_per_class,
        backbone=options.backbone,
        seed=options.seed,
    )


def _show(snapshot: Snapshot) -> None:
    if isinstance(snapshot, FineTuneSnapshot):
        accuracy = f", {snapshot.epochs[-1].validation_accuracy:.1%}" if snapshot.epochs else ""
        show_line(f"{snapshot.phase}: {snapshot.step} of {snapshot.steps}{accuracy}")
