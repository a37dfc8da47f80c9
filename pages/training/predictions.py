"""Photographs with a model's predictions, each with a link to the Why? page."""

from collections.abc import Sequence

import streamlit as st

from pages.shared import link
from pages.shared.choose_photo import choose
from pages.shared.query import go_to
from pages.shared.sitemap import ATTRIBUTION
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain, show_error
from tl_core.images.decode import decode
from tl_core.images.encode import thumbnail
from tl_core.lab import UserError
from tl_core.specs.datasets import OWN_DATASET
from tl_core.specs.training import FineTune, Prediction

_SIDE = 180  # pixels of a thumbnail
_WIDTH = 140  # of its place
_ASK_NEXT = "why_next"


def draw_predictions(
    spec: FineTune, model: str, predictions: Sequence[Prediction], names: tuple[str, ...]
) -> list[str]:
    """Draw photographs beside each other, as many as fit; return the mistakes that are ticked."""
    ticked = []
    with st.container(horizontal=True, key="squares_shots"):
        for found in predictions:
            with st.container(width=_WIDTH, gap="xsmall"):
                draw_prediction(spec, model, found, names)
                if not found.is_right and st.checkbox(
                    _("Learn it"), key=f"learn_{found.photo}_{found.label}"
                ):
                    ticked.append(found.photo)
    return ticked


def draw_prediction(spec: FineTune, model: str, found: Prediction, names: tuple[str, ...]) -> None:
    """Draw one photograph with its answer, and the way to *Why?* below it."""
    if st.session_state.pop(_ASK_NEXT, False):
        go_to(ATTRIBUTION.path)
    truth, said = names[found.label], names[found.predicted]
    try:
        picture = _thumbnail(spec, found)
    except UserError as error:
        show_error(error)
        return
    st.image(picture, width="stretch", alt=_("A photograph of {truth}").format(truth=truth))
    words = _("{truth}: predicted **{said}**, {percent:.0f}\u00a0%")
    st.caption(words.format(truth=plain(truth), said=plain(said), percent=100 * found.confidence))
    st.button(
        _("Why?"),
        key=f"why_{found.name}_{found.photo}",
        icon=ATTRIBUTION.icon,
        on_click=_ask_why,
        args=(spec, model, found),
        width="stretch",
    )


def _ask_why(spec: FineTune, model: str, found: Prediction) -> None:
    """Make the photograph and the model the visit's choices; the page then changes."""
    try:
        key = photo_of(spec, found)
    except UserError:
        return  # the photograph's own place shows the error
    choose(key)
    link.set_choice("backbone", model)
    st.session_state[_ASK_NEXT] = True


def photo_of(spec: FineTune, found: Prediction) -> str:
    """The key of a tested photograph, which is kept for the visit.

    Raises:
        UserError: If it is no longer there.
    """
    if spec.dataset == OWN_DATASET:
        return found.photo
    return the_lab().datasets.add_photo(spec.dataset, found.name, the_visit().id)


def _thumbnail(spec: FineTune, found: Prediction) -> bytes:
    kept = the_visit().thumbnails
    if found.photo not in kept:
        lab = the_lab()
        data = lab.photos.data(photo_of(spec, found))
        photo = decode(data, max_pixels=lab.settings.max_pixels, at_least=_SIDE)
        kept[found.photo] = thumbnail(photo, _SIDE)
    return kept[found.photo]
