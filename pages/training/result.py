"""What a finished run achieved: confusion matrix, the photographs behind it, figures by class."""

from collections import Counter

import streamlit as st

from pages.shared import link
from pages.shared.table import table
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson, percent
from pages.training.confusion_matrix import confusion_matrix
from pages.training.learn_too import draw_comparison, draw_measured, offer
from pages.training.modes import TOP3_FROM, interval_words, small_test
from pages.training.paired import shown
from pages.training.predictions import draw_predictions
from pages.training.reliability import draw_reliability
from pages.training.run import NAME, Done, best_of
from pages.training.shifts import ask_of_backgrounds, draw_shifts
from tl_core.lab import UserError
from tl_core.lab import gettext_noop as N_
from tl_core.specs.training import FineTune, FineTuneResult, FineTuneSnapshot, Prediction

_NOT_MEASURED = N_(
    "Not measured yet. All photographs of a class come from one recording, so we'd be testing on "
    "near copies of what it learned, and that always comes out right. Record each class again "
    "from another angle: we'll use that recording for validation."
)
_ALL = "mistakes"
_PAGE, _PRESENTED = 12, 3  # photographs at once; in presenter view as high as the matrix


def choose_model(done: Done) -> str:
    """The model to look closer at, of those of a run that are done; the best where none is chosen.

    ``done`` has a label, a spec and a snapshot by model.
    """
    best = best_of(done)
    if len(done) == 1:
        return best
    with link.kept("closer", best, list(done), among=next(iter(done))):
        chosen = st.segmented_control(
            _("Look closer at"),
            list(done),
            required=True,
            format_func=lambda key: done[key][0],
            key="closer",
        )
    return str(chosen)


def draw_result(spec: FineTune, snapshot: FineTuneSnapshot) -> None:
    """Draw accuracy, confusion matrix, photographs and figures by class."""
    result = snapshot.result
    if result is None:
        return
    names = _class_names(result.model, snapshot)
    if not result.is_measured:
        st.info(_(_NOT_MEASURED), icon=":material/videocam:")
        return
    st.subheader(
        _(
            "Accuracy {percent} on {count} validation photographs, which it never learned from"
        ).format(percent=percent(result.accuracy), count=len(result.predictions)),
        anchor=False,
    )
    interval = interval_words(result.interval)
    sentences = [_("95 % confidence interval: {interval}.").format(interval=interval)]
    if len(snapshot.classes) >= TOP3_FROM:
        words = _("Top-3 accuracy {percent}: the true class is among its three best guesses.")
        sentences.append(words.format(percent=percent(result.top3)))
    sentences.append(small_test(len(result.predictions)))
    st.markdown("\n".join(filter(None, sentences)))
    _how_it_ended(result)
    _say_what_was_forgotten(result)
    draw_comparison(spec, result)
    draw_shifts(spec, result, names)
    ask_of_backgrounds(spec, snapshot)
    st.caption(lesson("training")["honest"])
    matrix, photographs = st.columns(2, gap="large")
    with matrix:
        confusion_matrix(result, names)
    with photographs:
        _photographs(spec, result, names)
    with st.expander(_("Precision and recall by class")):
        _by_class(result, names)
    if result.scaling is not None:
        draw_reliability(result.scaling)


def _class_names(model: str, snapshot: FineTuneSnapshot) -> tuple[str, ...]:
    """As they are called now: boxes may have been renamed since."""
    try:
        classes = the_lab().backbones.classes(model)
    except UserError:  # it has left the memory
        classes = snapshot.classes
    return tuple(name.replace("_", " ") for name in classes)  # of folders


def _how_it_ended(result: FineTuneResult) -> None:
    """Why the head alone was kept, or training stopped early."""
    if result.is_head_alone and result.unfrozen_accuracy is not None:
        st.info(
            _(
                "Fine-tuning did no better: its best was {percent}. So we kept the head trained "
                "before it, on the original backbone."
            ).format(percent=percent(result.unfrozen_accuracy)),
            icon=":material/undo:",
        )
    if result.has_diverged:
        st.warning(
            _(
                "Training diverged: its numbers grew too large to compute. We kept the best "
                "result before that. Lower the learning rate or clip the gradients."
            )
        )


def _say_what_was_forgotten(result: FineTuneResult) -> None:
    """What the network's old head still knows, where its layers were changed."""
    found = result.forgetting
    if found is None:
        return
    words = _(
        "What did it forget? Before this training, the old head with its 1,000 classes got "
        "{before} of {photographs} gallery photographs right; on the new features it gets {after} "
        "([catastrophic forgetting](#catastrophic-forgetting))."
    )
    said = {"photographs": found.photographs, "before": found.before, "after": found.after}
    st.info(words.format(**said), icon=":material/history_toggle_off:")


def _photographs(spec: FineTune, result: FineTuneResult, names: tuple[str, ...]) -> None:
    """The photographs of a cell, or all mistakes; the most confident first."""
    predictions = shown(result.predictions)
    by_cell = Counter(f"{p.label},{p.predicted}" for p in predictions)
    ordered = sorted(by_cell, key=lambda cell: (len(set(cell.split(","))) == 1, -by_cell[cell]))
    if st.session_state.get("cell") not in (_ALL, *ordered):
        st.session_state.cell = _ALL

    def words(cell: str) -> str:
        if cell == _ALL:
            wrong = sum(not found.is_right for found in predictions)
            return _("all mistakes ({count})").format(count=wrong)
        truth, said = (names[int(part)] for part in cell.split(","))
        called = _("{truth}, predicted {said} ({count})")
        return called.format(truth=truth, said=said, count=by_cell[cell])

    cell = st.selectbox(_("Photographs"), [_ALL, *ordered], format_func=words, key="cell")
    chosen = [
        found
        for found in predictions
        if (not found.is_right if cell == _ALL else f"{found.label},{found.predicted}" == cell)
    ]
    chosen.sort(key=lambda found: -found.confidence)
    if not chosen:
        st.success(_("No mistakes on these photographs."))
    ticked = draw_predictions(spec, result.model, _page(chosen), names)
    if any(not found.is_right for found in chosen):
        offer(NAME, spec, result, ticked)
        draw_measured()
    kept = len(result.predictions) - len(predictions)
    if kept:
        caption = _(
            "{count} validation photographs are never shown here. We use them to compare this "
            "model with the next one, which may learn from these mistakes."
        )
        st.caption(caption.format(count=kept))


def _page(chosen: list[Prediction]) -> list[Prediction]:
    size = _PRESENTED if st.session_state.get("present") else _PAGE
    pages = -(-len(chosen) // size)
    if pages <= 1:
        return chosen
    if st.session_state.get("cell_page", 1) > pages:
        st.session_state.cell_page = 1
    page = st.number_input(_("Page of {pages}").format(pages=pages), 1, pages, key="cell_page")
    return chosen[(page - 1) * size : page * size]


def _by_class(result: FineTuneResult, names: tuple[str, ...]) -> None:
    share = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
    table(
        [
            {
                _("Class"): name,
                _("Photographs"): figures.photographs,
                _("Recall: share of the class that was found"): figures.recall,
                _("Precision: share of its answers that are right"): figures.precision,
            }
            for name, figures in zip(names, result.classes, strict=True)
        ],
        key="by_class",
        columns={
            _("Recall: share of the class that was found"): share,
            _("Precision: share of its answers that are right"): share,
        },
    )
