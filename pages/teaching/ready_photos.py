"""Filling a box with photographs of a data set that is on this machine."""

import streamlit as st

from pages.shared import link
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _
from pages.state import Box
from pages.teaching.box import refuse
from tl_core.lab import UserError

_COUNTS = [2, 4, 8, 16, 50, 100]


def ready_photos(boxes: list[Box]) -> None:
    """A choice of data set, class, number and box, one click away."""
    datasets = the_lab().datasets
    labels = {entry.key: entry.label for entry in datasets.rows() if entry.state == "ready"}
    names = {box.id: box.name for box in boxes}
    with st.popover(_("Ready set"), icon=":material/photo_library:", key="ready_photos"):
        st.caption(_("Put photographs of a ready data set into one of the boxes."))
        with link.kept("ready_from", next(iter(labels)), list(labels)):
            st.selectbox(
                _("Photographs of"), list(labels), format_func=labels.__getitem__, key="ready_from"
            )
        dataset = str(st.session_state.ready_from)
        classes = datasets.classes(dataset)
        with link.kept("ready_class", classes[0], classes, among=dataset):
            class_name = st.selectbox(_("What they show"), classes, key="ready_class")
        with link.kept("ready_count", 8, _COUNTS):
            count = st.select_slider(_("How many"), _COUNTS, key="ready_count")
        with link.kept("ready_box", boxes[0].id, list(names)):
            box = st.selectbox(
                _("Into the box"), list(names), format_func=names.__getitem__, key="ready_box"
            )
        st.button(
            _("Put them in"),
            key="add_ready",
            icon=":material/add_photo_alternate:",
            width="stretch",
            on_click=_put_in,
            args=(box, dataset, class_name, count),
        )


def _put_in(box_id: int, dataset: str, class_name: str, count: int) -> None:
    try:
        keys = the_lab().datasets.add_of_class(dataset, class_name, count, the_visit().id)
    except UserError as error:
        refuse(error)
        return
    for box in the_visit().boxes:
        if box.id == box_id:
            box.photos = list(dict.fromkeys([*box.photos, *keys]))
