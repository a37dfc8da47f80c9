"""Commands that make a picture: ideal, attack."""

import math
from argparse import Namespace
from dataclasses import replace

from tl_core.commands.common import (
    OWNER,
    Result,
    class_index,
    finished,
    read,
    require_place,
    show_line,
    write,
)
from tl_core.errors import UserError
from tl_core.lab import Lab
from tl_core.specs import Attack, IdealImage, Snapshot, spec_from_json


def ideal(lab: Lab, options: Namespace) -> Result:
    """Draw what a network would most like to see."""
    require_place(options.out)
    spec = _ideal_spec(lab, options)
    if options.photo is not None:
        spec = replace(spec, photo=lab.photos.add(read(options.photo), OWNER))
    found = finished(lab, spec, show=_show_step)
    write(options.out, found.png)
    result = {
        "out": str(options.out),
        "target": spec.target,
        "probability": None if math.isnan(found.probability) else found.probability,
        "total_variation": found.total_variation,
        "steps": found.step,
    }
    sure = "" if math.isnan(found.probability) else f" probability {found.probability:.1%}"
    return result, f"{options.out}:{sure} after {found.step} steps"


def _ideal_spec(lab: Lab, options: Namespace) -> IdealImage:
    if options.spec is not None:
        spec = spec_from_json(read(options.spec).decode("utf-8", errors="replace"))
        if not isinstance(spec, IdealImage):
            raise UserError("{path} holds the settings of another page.", path=options.spec)
        return spec
    if not options.target:
        raise UserError("Name a class with --target, or a settings file with --spec.")
    spec = IdealImage(
        target=class_index(lab, options.backbone, options.target),
        backbone=options.backbone,
        seed=options.seed,
        steps=options.steps,
    )
    return spec if options.tv is None else replace(spec, tv_weight=options.tv)


def _show_step(snapshot: Snapshot) -> None:
    show_line(f"step {snapshot.step} of {snapshot.steps}")


def attack(lab: Lab, options: Namespace) -> Result:
    """Change a photograph until the network sees the target in it."""
    require_place(options.out)
    photo = lab.photos.add(read(options.image), OWNER)
    spec = Attack(
        photo=photo,
        target=class_index(lab, options.backbone, options.target),
        backbone=options.backbone,
        seed=options.seed,
        epsilon=options.epsilon,
        steps=options.steps,
        method=options.method,
    )
    found = finished(lab, spec, show=_show_step)
    write(options.out, found.picture)
    if options.original is not None:
        write(options.original, found.original)
    result = {
        "out": str(options.out),
        "target": spec.target,
        "fooled": found.is_fooled,
        "steps": found.first_success,
        "probability": found.probability,
        "before": found.before[0].label,
        "after": found.after[0].label,
        "linf_levels": found.gap.linf_levels,
        "psnr_db": found.gap.psnr_db if math.isfinite(found.gap.psnr_db) else None,
        "changed_values": found.gap.changed_values,
    }
    verdict = f"fooled after {found.first_success} steps" if found.is_fooled else "not fooled"
    text = f"{options.out}: {verdict}; {found.before[0].label} is seen as {found.after[0].label}"
    return result, text
