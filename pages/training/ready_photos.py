"""Filling a box with photographs of a data set that is on this machine."""

import streamlit as st

from pages.shared import link
from pages.shared.choose_one import choose_one
from pages.shared.choose_photo import Fold
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _
from pages.training.box import refuse, require_room
from pages.visit.state import Box
from tl_core.lab import UserError
from tl_core.lab import gettext_noop as N_

_COUNTS = [2, 4, 8, 16, 50, 100]
_USES = {"learn": N_("training"), "test": N_("validation")}


def ready_photos(boxes: list[Box], fold: Fold) -> None:
    """A choice of data set, class, number and box, one click away."""
    datasets = the_lab().datasets
    labels = {entry.key: _(entry.label) for entry in datasets.rows() if entry.state == "ready"}
    names = {box.id: box.name for box in boxes}
    with fold(_("Built-in data set"), icon=":material/photo_library:", key="ready_photos"):
        st.caption(
            _(
                "Put photographs from a built-in data set into a class, for training or for "
                "validation."
            )
        )
        left, right = st.columns(2)
        with left, link.kept("ready_from", next(iter(labels)), list(labels)):
            st.selectbox(
                _("Data set"), list(labels), format_func=labels.__getitem__, key="ready_from"
            )
        dataset = str(st.session_state.ready_from)
        classes = datasets.classes(dataset)
        with right, link.kept("ready_class", classes[0], classes, among=dataset):
            class_name = st.selectbox(_("What they show"), classes, key="ready_class")
        with link.kept("ready_count", 8, _COUNTS):
            count = st.select_slider(_("How many"), _COUNTS, key="ready_count")
        left, right = st.columns(2)
        with left, link.kept("ready_box", boxes[0].id, list(names)):
            box = st.selectbox(
                _("For the class"), list(names), format_func=names.__getitem__, key="ready_box"
            )
        with right:
            use = choose_one(_("Used for"), _USES, key="ready_for", default="learn")
        if use == "test":
            st.caption(_("All other photographs of that class are then used for training."))
        st.button(
            _("Put them in"),
            key="add_ready",
            icon=":material/add_photo_alternate:",
            width="stretch",
            on_click=_put_in,
            args=(box, dataset, class_name, count, use),
        )


def _put_in(box_id: int, dataset: str, class_name: str, count: int, use: str) -> None:
    """Add photographs to the box, or to its test, that are in neither."""
    visit = the_visit()
    for box in visit.boxes:
        if box.id != box_id:
            continue
        try:
            require_room()
            keys = the_lab().datasets.add_of_class(
                dataset,
                class_name,
                min(count, visit.room),
                visit.id,
                besides={*box.photos, *box.tests},
            )
        except UserError as error:
            refuse(error)
            return
        (box.tests if use == "test" else box.photos).extend(keys)
