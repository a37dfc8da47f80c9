"""The table of all backbones: a row is chosen, downloaded and followed in its place."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages.shared import link
from pages.shared.choose_backbone import (
    begin_download,
    can_be_downloaded,
    megabytes,
    state_words,
)
from pages.shared.live import POLL_S, drop, share_done
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _
from tl_core.lab import BackboneState, BackboneStatus

_TABLE = "backbone_table"


def backbones() -> list[BackboneStatus]:
    """The backbones that this server has the memory for."""
    found = the_lab().backbones.rows()
    return [status for status in found if status.state is not BackboneState.TOO_LARGE]


def draw() -> None:
    """One row per backbone; while one is downloaded, again and again."""
    under_way = _under_way(backbones())

    def body() -> None:
        the_visit()
        statuses = backbones()
        if _under_way(statuses) != under_way:
            st.rerun()
        _draw(statuses)

    st.fragment(body, run_every=POLL_S if under_way else None)()


def _under_way(statuses: Sequence[BackboneStatus]) -> list[str]:
    waiting = (BackboneState.DOWNLOADING, BackboneState.CHECKING)
    return [status.row.key for status in statuses if status.state in waiting]


def _draw(statuses: Sequence[BackboneStatus]) -> None:
    chosen = [i for i, status in enumerate(statuses) if status.row.key == st.session_state.backbone]
    st.session_state[_TABLE] = {"selection": {"rows": chosen, "columns": [], "cells": []}}
    lines = [_line(status) for status in statuses]
    columns = _columns(statuses)
    st.dataframe(
        lines,
        hide_index=True,
        key=_TABLE,
        on_select=partial(_choose, statuses),
        selection_mode="single-row",
        column_order=list(columns),
        column_config=columns,
        placeholder="",  # a cell without a value; else Streamlit's English word stands there
        alt=" · ".join(f"{line[_('Backbone')]}: {line[_('State')]}" for line in lines),
    )


def _choose(statuses: Sequence[BackboneStatus]) -> None:
    """Choose the backbone whose row was clicked; its picker is outside the table's fragment.

    A click that comes after its page was left may have no value any more.
    """
    table = st.session_state.get(_TABLE)
    rows = table["selection"]["rows"] if table else []
    if rows:
        link.set_choice("backbone", statuses[rows[0]].row.key)
        st.rerun()


def _press(statuses: Sequence[BackboneStatus]) -> None:
    """Begin the download of a row, or cancel it."""
    status = statuses[st.session_state.backbone_download.row]
    if can_be_downloaded(status):
        begin_download(status.row.key)
    else:
        drop(status.download)


def _line(status: BackboneStatus) -> dict[str, object]:
    row, job, size = status.row, status.download, megabytes(status.row.source.size_mb)
    line: dict[str, object] = {_("Backbone"): row.label, _("Download"): None}
    if can_be_downloaded(status):
        line[_("Download")] = f":material/download: {size}"
    elif status.state is BackboneState.DOWNLOADING and job is not None:
        line[_("Progress")] = 100 * share_done(job)
        if the_visit().id in job.owners:
            line[_("Download")] = ":material/close: " + _("Cancel")
    return line | {
        _("State"): state_words(status),
        _("Top-1"): row.top1,
        _("GFLOPs"): row.gflops,
        _("Parameters"): row.parameters_m,
        _("Weights file"): size,
        _("Licence"): row.licence,
        _("Year"): row.year,
        _("When to choose it"): _(row.advice),
    }


def _columns(statuses: Sequence[BackboneStatus]) -> dict[str, Any]:
    """How each column is shown, from left to right."""
    column = st.column_config
    return {
        _("Backbone"): column.TextColumn(),  # a pinned one is grey, as if it were disabled
        _("Download"): column.ButtonColumn(
            on_click=partial(_press, statuses), key="backbone_download", type="tertiary"
        ),
        _("Progress"): column.ProgressColumn(format="%.0f %%", min_value=0, max_value=100),
        _("State"): column.TextColumn(),
        _("Top-1"): column.NumberColumn(
            format="%.1f %%",
            help=_("Share of ImageNet's validation photographs that its first answer gets right"),
        ),
        _("GFLOPs"): column.NumberColumn(
            format="%.2f", help=_("Billions of multiply-adds per photograph")
        ),
        _("Parameters"): column.NumberColumn(format="%.1f M"),
        _("Weights file"): column.TextColumn(help=_("Size of the file")),
        _("Licence"): column.TextColumn(
            help=_("The licence of the published weights; ImageNet's own terms may apply too")
        ),
        _("Year"): column.NumberColumn(format="%d"),
        _("When to choose it"): column.TextColumn(),
    }
