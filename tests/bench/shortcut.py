"""A shortcut, and what shows it: ``python -m tl_core bench shortcut``.

Digits whose background gives them away, on random backgrounds and on grey: each taught with three
seeds, and asked about the same digits on other backgrounds. Then what "none of these" and *Why?*
say of a digit on the background of another one.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from tests.bench.train import fine_tuned, lab, turn
from tl_core.context import Context
from tl_core.datasets.coloured_digits import AGAINST
from tl_core.settings import Settings
from tl_core.specs.attribution import Attribute, AttributeSnapshot
from tl_core.specs.training import FineTuneResult

KINDS = ("coloured_digits", "coloured_digits_at_random", "coloured_digits_grey")
SEEDS, PER_CLASS, SHARE = 3, 100, 0.05
_ASKED = 10  # photographs of a seed
Figures = dict[str, list[float]]  # of every seed, or of every photograph
_METHODS = ("gradcam", "occlusion", "integrated_gradients")


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tl_core bench shortcut", description=__doc__)
    parser.parse_args(argv)
    figures: Figures = {}
    with lab(Settings.from_env().data_dir) as context:
        for mode in ("head", "pixels"):
            for kind in KINDS:
                results = [_taught(context, kind, mode, seed) for seed in range(SEEDS)]
                named = accuracies(results).items()
                figures |= {f"{mode}, {kind}, {name}": values for name, values in named}
        results = [_taught(context, KINDS[0], "head", seed) for seed in range(SEEDS)]
        figures |= turned_away(results) | asked_why(context, results)
    for name, values in figures.items():
        print(f"{name:66} {fmean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    return 0


def _taught(context: Context, kind: str, mode: str, seed: int) -> FineTuneResult:
    fields = {"dataset": kind, "mode": mode, "seed": seed}
    found = fine_tuned(context, photos_per_class=PER_CLASS, **fields).result
    assert found is not None
    return found


def accuracies(results: Sequence[FineTuneResult]) -> Figures:
    """Accuracy on each test."""
    found = {"validation": [result.accuracy for result in results]}
    for number, (name, _shifted) in enumerate(results[0].shifts):
        found[name] = [result.shifts[number][1].accuracy for result in results]
    return found


def turned_away(results: Sequence[FineTuneResult]) -> Figures:
    """Which share of each test is none of its classes, says the distance."""
    found = defaultdict(list)
    for result in results:
        for name, shifted in result.shifts:
            values = [p.p_value for p in shifted.predictions if p.p_value is not None]
            found[f"none of these, {name}"].append(fmean(value <= SHARE for value in values))
    return found


def asked_why(context: Context, results: Sequence[FineTuneResult]) -> Figures:
    """Probability of the wrong answer before, and with a fifth blurred: what a map marks, or any.

    Of digits on the background of another one that were answered wrong, the surest first.
    """
    found = defaultdict(list)
    for result in results:
        shifted = dict(result.shifts)[AGAINST]
        wrong = sorted(
            (p for p in shifted.predictions if not p.is_right), key=lambda p: -p.confidence
        )
        for prediction in wrong[:_ASKED]:
            data = context.datasets.read(KINDS[0], prediction.name)
            photo = context.photos.add(data, "bench")
            end = turn(Attribute(photo=photo, backbone=result.model, methods=_METHODS), context)
            assert isinstance(end, AttributeSnapshot)
            for shown in end.maps:
                if shown.target == prediction.predicted and shown.faithfulness is not None:
                    found[f"why, {shown.method}, before"].append(shown.faithfulness.before)
                    found[f"why, {shown.method}, marked"].append(shown.faithfulness.important)
                    found[f"why, {shown.method}, random"].append(shown.faithfulness.random)
    return found
