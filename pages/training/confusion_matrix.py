"""The confusion matrix of a result; a click on a cell opens its photographs."""

import streamlit as st

from pages.shared.charts import Part, axis, draw
from pages.shared.words import _, chart_text
from tl_core.specs.training import FineTuneResult

_NUMBERED = 20  # classes; more leave no room for numbers in the cells


def confusion_matrix(result: FineTuneResult, names: tuple[str, ...]) -> None:
    """True classes in rows, answers in columns; the clicked cell is kept in the session state."""
    labels = [name if len(name) <= 14 else f"{name[:5]}…{name[-8:]}" for name in names]
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": list(map(chart_text, labels)),
        "showgrid": False,
        "zeroline": False,
    }
    last = len(names) - 0.5
    layout = {
        "xaxis": axis(_("predicted"), side="top", range=[-0.5, last], **ticks),
        "yaxis": axis(_("true class"), range=[last, -0.5], **ticks),
        "margin": {"l": 0, "r": 0, "t": 60, "b": 0},
        "dragmode": False,
        "showlegend": False,
    }
    cells = _heat_map(result.confusion, is_numbered=len(names) <= _NUMBERED)
    st.markdown("**" + _("Confusion matrix: what gets mistaken for what? Choose a cell.") + "**")
    draw(
        [cells, _click_targets(result.confusion, names)],
        layout,
        key="confusion",
        height=min(160 + 60 * len(names), 560),
        alt=_("Confusion matrix: true classes in rows, predicted ones in columns"),
        on_select=_pick_cell,
        selection_mode="points",
    )


def _heat_map(counts: tuple[tuple[int, ...], ...], *, is_numbered: bool) -> Part:
    """The share of each row in each cell, as colour; the theme has the colours."""
    size = list(range(len(counts)))
    return {
        "type": "heatmap",
        "z": [[n / max(sum(row), 1) for n in row] for row in counts],
        "x": size,
        "y": size,
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "text": [[str(n or "") for n in row] for row in counts],
        "texttemplate": "%{text}" if is_numbered else "",
        "hoverinfo": "skip",
        "xgap": 2,
        "ygap": 2,
    }


def _click_targets(counts: tuple[tuple[int, ...], ...], names: tuple[str, ...]) -> Part:
    """An invisible marker in each cell: heat maps answer no clicks."""
    size = range(len(names))
    cells = [(truth, said) for truth in size for said in size]
    invisible = {"marker": {"opacity": 0}}
    return {
        "type": "scatter",
        "x": [said for _truth, said in cells],
        "y": [truth for truth, _said in cells],
        "mode": "markers",
        "marker": {"size": max(10, 300 // len(names)), "opacity": 0, "symbol": "square"},
        "selected": invisible,
        "unselected": invisible,
        "customdata": [f"{truth},{said}" for truth, said in cells],
        "hovertext": [
            _("{truth}, predicted {said}: {count}").format(
                truth=chart_text(names[t]), said=chart_text(names[s]), count=counts[t][s]
            )
            for t, s in cells
        ],
        "hoverinfo": "text",
    }


def _pick_cell() -> None:
    points = st.session_state.confusion.selection.points
    if points:
        st.session_state.cell = str(points[0]["customdata"])
        st.session_state.cell_page = 1
