"""The label budget: accuracy against photographs a class, from three starts."""

import streamlit as st

from pages.shared.charts import axis, draw
from pages.shared.live import ask, drop, follow, start, watch_answer
from pages.shared.visit import the_visit
from pages.shared.words import _, lesson
from pages.visit.state import Data
from tl_core.lab import Job
from tl_core.lab import gettext_noop as N_
from tl_core.specs.training import LabelBudget, LabelBudgetSnapshot

_NAME = "budget"
_STARTS = {
    "trained": N_("Pretrained on ImageNet"),
    "random": N_("The same network, untrained"),
    "pixels": N_("Raw pixels"),
}


def label_budget(data: Data | None, backbone: str | None, seed: int) -> None:
    """A button that measures, and the chart as it grows; it stays through changes of page."""
    asked = the_visit().jobs.get(_NAME)
    if asked is None and (data is None or backbone is None):
        return
    title = _("Few-shot learning: how many photographs does it take?")
    with st.expander(title, icon=":material/show_chart:", expanded=asked is not None):
        _measure(data, backbone, seed, asked)


def _measure(data: Data | None, backbone: str | None, seed: int, asked: Job | None) -> None:
    st.markdown(lesson("training")["budget"])
    if data is not None and backbone is not None:
        words = _("Measure accuracy by number of photographs")
        if st.button(words, key="start_budget", icon=":material/show_chart:"):
            job = start(lambda: ask(LabelBudget(**data.named, backbone=backbone, seed=seed), 0))
            if job is not None:
                if job is not asked:
                    drop(asked)
                follow(job, _NAME)
                asked = job
    if asked is not None and isinstance(asked.spec, LabelBudget):
        watch_answer(asked.spec, _draw, name=_NAME, stop_key="stop_budget")


def _draw(snapshot: LabelBudgetSnapshot) -> None:
    traces = []
    for key, label in _STARTS.items():
        points = [point for point in snapshot.points if point.start == key]
        spread = {
            "type": "data",
            "symmetric": False,
            "array": [100 * (point.high - point.mean) for point in points],
            "arrayminus": [100 * (point.mean - point.low) for point in points],
        }
        traces.append(
            {
                "type": "scatter",
                "x": [point.photos_per_class for point in points],
                "y": [100 * point.mean for point in points],
                "error_y": spread,
                "mode": "lines+markers",
                "line": {"width": 2.5},
                "name": _(label),
                "showlegend": True,
            }
        )
    ticks = [1, 2, 4, 8, 16, 50]
    layout = {
        "xaxis": axis(
            _("training photographs per class"),
            type="log",
            range=[-0.08, 1.78],
            tickvals=ticks,
            ticktext=[str(tick) for tick in ticks],
        ),
        "yaxis": axis(_("accuracy"), range=[0, 103], ticksuffix=" %"),
    }
    alt = _("Accuracy against training photographs per class")
    draw(traces, layout, key="budget", height=380, alt=alt)
    words = _(
        "Dots: mean of five random picks; bars: from worst to best. Checked on {count} validation "
        "photographs."
    ).format(count=snapshot.validation_photographs)
    if snapshot.phase == "done":
        st.caption(words)
        _conclusion(snapshot)
    else:
        st.caption(_("{words} Now: {phase} …").format(words=words, phase=_(snapshot.phase)))


def _conclusion(snapshot: LabelBudgetSnapshot) -> None:
    """The measured answer in a sentence."""
    fewest = {point.start: point for point in reversed(snapshot.points)}
    if len(fewest) == len(_STARTS):
        st.markdown(
            _(
                "With **{count}** of each class to learn from, accuracy is {trained:.0f} % if the "
                "network was pretrained on ImageNet, {random:.0f} % if not, and {pixels:.0f} % "
                "from raw pixels."
            ).format(
                count=fewest["trained"].photos_per_class,
                **{key: 100 * point.mean for key, point in fewest.items()},
            )
        )
