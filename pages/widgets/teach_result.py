"""What a finished run achieved: confusion matrix, the photographs behind it, figures by class."""

from collections import Counter

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.widgets.charts import COLOURS
from pages.widgets.teach_run import TOP3_FROM, interval_words, percent, spoken
from pages.widgets.teach_shots import shots
from pages.widgets.words import _, chart_text, lesson
from tl_core.specs import FineTune, FineTuneResult, FineTuneSnapshot, Prediction

_ALL = "mistakes"
_PAGE = 12  # photographs at once
_NUMBERED = 20  # classes; more leave no room for numbers in the cells


def result_of(spec: FineTune, snapshot: FineTuneSnapshot) -> None:
    """Draw everything one may ask of a result."""
    result = snapshot.result
    if result is None:
        return
    st.subheader(
        _("{percent} right on {count} photographs it has never learned from").format(
            percent=percent(result.accuracy), count=len(result.predictions)
        ),
        anchor=False,
    )
    extra = (
        " "
        + _("The true class is among its three best guesses in {percent}.").format(
            percent=percent(result.top3)
        )
        if len(snapshot.classes) >= TOP3_FROM
        else ""
    )
    st.markdown(
        _("With 95 % certainty the true share lies in {interval}.").format(
            interval=interval_words(result.interval)
        )
        + extra
    )
    _how_it_ended(result)
    st.caption(lesson("teach")["honest"])
    names = tuple(map(spoken, snapshot.classes))
    matrix, photographs = st.columns([1, 1], gap="large")
    with matrix:
        _matrix(result, names)
    with photographs:
        _photographs(spec, result, names)
    with st.expander(_("Figures by class")):
        _by_class(result)


def _how_it_ended(result: FineTuneResult) -> None:
    """What one would not guess from the figures."""
    if result.is_head_alone and result.unfrozen_accuracy is not None:
        st.info(
            _(
                "The unfrozen network did no better: at its best it reached {percent}. So the "
                "head that learned before it was kept, on the network as it was."
            ).format(percent=percent(result.unfrozen_accuracy)),
            icon=":material/undo:",
        )
    if result.has_diverged:
        st.warning(
            _(
                "Training flew apart: its numbers were no longer finite. What was best before is "
                "kept. Lower the learning rate or clip the gradients."
            )
        )


def _matrix(result: FineTuneResult, names: tuple[str, ...]) -> None:
    """The heat map, and over it an invisible marker in each cell: heat maps answer no clicks."""
    counts = result.confusion
    size = range(len(names))
    shares = [[n / max(sum(row), 1) for n in row] for row in counts]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(size),
            y=list(size),
            zmin=0,
            zmax=1,
            colorscale=[[0, "rgba(91,91,214,0.06)"], [1, COLOURS[0]]],
            showscale=False,
            text=[[str(n or "") for n in row] for row in counts],
            texttemplate="%{text}" if len(names) <= _NUMBERED else "",
            hoverinfo="skip",
            xgap=2,
            ygap=2,
        )
    )
    cells = [(truth, said) for truth in size for said in size]
    figure.add_scatter(
        x=[said for _truth, said in cells],
        y=[truth for truth, _said in cells],
        mode="markers",
        marker={"size": max(10, 300 // len(names)), "opacity": 0, "symbol": "square"},
        customdata=[f"{truth},{said}" for truth, said in cells],
        hovertext=[
            _("{truth}, called {said}: {count}").format(
                truth=chart_text(names[t]), said=chart_text(names[s]), count=counts[t][s]
            )
            for t, s in cells
        ],
        hoverinfo="text",
    )
    invisible = {"marker": {"opacity": 0}}
    figure.update_traces(selected=invisible, unselected=invisible, selector={"type": "scatter"})
    labels = [name if len(name) <= 14 else f"{name[:5]}…{name[-8:]}" for name in names]
    axis = {
        "tickvals": list(size),
        "ticktext": list(map(chart_text, labels)),
        "showgrid": False,
        "zeroline": False,
    }
    last = len(names) - 0.5
    figure.update_xaxes(title=_("it says"), side="top", range=[-0.5, last], **axis)
    figure.update_yaxes(title=_("it is"), range=[last, -0.5], **axis)
    figure.update_layout(
        height=min(160 + 60 * len(names), 560),
        margin={"l": 0, "r": 0, "t": 60, "b": 0},
        dragmode=False,
        showlegend=False,
    )
    st.markdown("**" + _("Who is taken for whom? Click a cell.") + "**")
    st.plotly_chart(
        figure,
        key="confusion",
        on_select=_pick_cell,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=_("Confusion matrix: true classes in rows, answers in columns"),
    )


def _pick_cell() -> None:
    points = st.session_state.confusion.selection.points
    if points:
        st.session_state.cell = str(points[0]["customdata"])
        st.session_state.cell_page = 1


def _photographs(spec: FineTune, result: FineTuneResult, names: tuple[str, ...]) -> None:
    """The photographs of a cell, or all mistakes; the most confident first."""
    by_cell = Counter(f"{p.label},{p.predicted}" for p in result.predictions)
    ordered = sorted(by_cell, key=lambda cell: (len(set(cell.split(","))) == 1, -by_cell[cell]))
    wrong = sum(not found.is_right for found in result.predictions)
    if st.session_state.get("cell") not in (_ALL, *ordered):
        st.session_state.cell = _ALL

    def words(cell: str) -> str:
        if cell == _ALL:
            return _("all mistakes ({count})").format(count=wrong)
        truth, said = (names[int(part)] for part in cell.split(","))
        return _("{truth}, called {said} ({count})").format(
            truth=truth, said=said, count=by_cell[cell]
        )

    cell = st.selectbox(_("Photographs"), [_ALL, *ordered], format_func=words, key="cell")
    chosen = [
        found
        for found in result.predictions
        if (not found.is_right if cell == _ALL else f"{found.label},{found.predicted}" == cell)
    ]
    chosen.sort(key=lambda found: -found.confidence)
    if not chosen:
        st.success(_("No mistakes on these photographs."))
    shots(spec, result.model, _page(chosen), names)


def _page(chosen: list[Prediction]) -> list[Prediction]:
    pages = -(-len(chosen) // _PAGE)
    if pages <= 1:
        return chosen
    if st.session_state.get("cell_page", 1) > pages:
        st.session_state.cell_page = 1
    page = st.number_input(_("Page of {pages}").format(pages=pages), 1, pages, key="cell_page")
    return chosen[(page - 1) * _PAGE : page * _PAGE]


def _by_class(result: FineTuneResult) -> None:
    share = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
    st.dataframe(
        pd.DataFrame(
            [
                {
                    _("Class"): figures.name,
                    _("Photographs"): figures.photographs,
                    _("Found (recall)"): figures.recall,
                    _("Right when it says so (precision)"): figures.precision,
                }
                for figures in result.classes
            ]
        ),
        hide_index=True,
        key="by_class",
        column_config={
            _("Found (recall)"): share,
            _("Right when it says so (precision)"): share,
        },
    )
