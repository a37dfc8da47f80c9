"""What the visit keeps of its finished trainings: for the chapter, the exercises and the report."""

import streamlit as st

from pages.shared import runs
from pages.shared.chapters import note
from pages.shared.choose_backbone import label_of
from pages.shared.sitemap import TRAINING
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _
from pages.training.modes import has_one_mode_twice, lines_of
from pages.training.run import NAME, Done
from pages.visit.state import Learned, Outcome
from tl_core.lab import UserError
from tl_core.specs.datasets import OWN_DATASET
from tl_core.specs.training import FineTune, FineTuneResult, FineTuneSnapshot

_ENOUGH = 10  # photographs in a test
_MIDDLE, _MOST = 65, 90  # per cent: where the answers to the chapter's question begin


def keep_figures(done: Done) -> None:
    """Keep the figures of all that was measured, by model, and tell the chapter the best.

    Not where two runs of one mode answer a question of their own, and not where validation
    photographs share a shortcut with those that were learned: of new ones that says nothing.
    """
    visit = the_visit()
    for model, (_label, spec, snapshot) in done.items():
        result = snapshot.result
        if model not in visit.learned and result is not None and result.is_measured:
            visit.learned[model] = _figures(spec, snapshot, result)
    run = runs.current(NAME)
    if run is not None and has_one_mode_twice([line.spec for line in lines_of(run)]):
        return
    measured = [model for model in done if model in visit.learned and not _has_shifts(done[model])]
    if measured:
        best = max(measured, key=lambda model: visit.learned[model].accuracy)
        if visit.learned[best].tested >= _ENOUGH:
            note(TRAINING, _outcome(best, visit.learned[best]))
        elif TRAINING.address in visit.guesses:
            words = _(
                "Your question needs {enough} validation photographs, and you have {count}. Add "
                "more to each class, or pick a built-in data set."
            )
            count = visit.learned[best].tested
            st.info(words.format(enough=_ENOUGH, count=count), icon=":material/quiz:")


def _has_shifts(one: tuple[str, FineTune, FineTuneSnapshot]) -> bool:
    result = one[2].result
    return result is not None and bool(result.shifts)


def _figures(spec: FineTune, snapshot: FineTuneSnapshot, result: FineTuneResult) -> Learned:
    rows = {entry.key: entry for entry in the_lab().datasets.rows()}
    entry = rows.get(spec.dataset)
    row = entry.row if entry is not None else None
    label = entry.label if entry is not None else spec.dataset
    try:
        backbone = label_of(spec.backbone)
    except UserError:  # a model of the visitor's own that has left the memory
        backbone = spec.backbone
    return Learned(
        dataset=spec.dataset,
        label=_("Your own photographs") if spec.dataset == OWN_DATASET else label,
        mode=spec.mode,
        backbone=backbone,
        classes=len(snapshot.classes),
        train=snapshot.train_photographs,
        tested=len(result.predictions),
        accuracy=result.accuracy,
        top3=result.top3,
        is_unlike_imagenet=row is not None and row.is_unlike_imagenet,
        curve=tuple(point.validation_accuracy for point in snapshot.epochs),
        elsewhere=min((other.accuracy for _test, other in result.shifts), default=None),
    )


def _outcome(model: str, figures: Learned) -> Outcome:
    percent = round(100 * figures.accuracy)
    return Outcome(
        about=model,
        answer="50" if percent < _MIDDLE else "75" if percent < _MOST else "95",
        figures={
            "percent": 100 * figures.accuracy,
            "train": figures.train,
            "tested": figures.tested,
        },
    )
