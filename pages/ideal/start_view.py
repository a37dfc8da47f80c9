"""What is seen before the first run: where another picture has ended, and where this one starts."""

import io
from functools import lru_cache

import streamlit as st
from PIL import Image, ImageOps

from pages.ideal.examples import example_of
from pages.ideal.goals import Goal
from pages.shared.live import answer
from pages.shared.picture import MAIN_PICTURE, live_picture
from pages.shared.visit import the_lab
from pages.shared.words import _, plain
from tl_core.specs.ideal import IdealImage, StartPicture


def draw_start(spec: IdealImage) -> None:
    """The noise or the photograph that the run starts from."""
    question = StartPicture(
        backbone=spec.backbone, seed=spec.seed, recipe=spec.recipe, photo=spec.photo
    )
    found = answer(question, height=MAIN_PICTURE)
    if found is None:
        return
    picture, words = found.png, _("The photograph it starts from")
    if not spec.photo:
        picture = _with_contrast(picture)
        words = _("Yours starts from this noise (seed {seed}, contrast raised)")
        words = words.format(seed=spec.seed)
    live_picture(picture, alt=words)
    st.caption(words)


def draw_first(goal: Goal, spec: IdealImage) -> bool:
    """A finished picture of the goal where the lab brings one, else the start of the run.

    Returns whether there is one.
    """
    example = example_of(goal.of_class)
    if example is None or spec.photo:
        draw_start(spec)
        if example is None:
            words = _("There's no example of {name}. Press Start, and the network will draw one.")
            st.caption(words.format(name=plain(goal.label)))
        return False
    words = _("An example: {name}").format(name=plain(goal.label))
    live_picture(example.picture, alt=f"{words}. {example.words}", said=[words])
    st.caption(example.words)
    return True


def draw_dissolving(spec: IdealImage) -> None:
    """The example that stood here, as it gives way to what lies below it."""
    classes = the_lab().backbones.classes(spec.backbone)
    example = None if spec.photo or spec.layer else example_of(classes[spec.target])
    if example is not None:
        with st.container(key="dissolving"):
            live_picture(example.picture, alt="")


@lru_cache(64)
def _with_contrast(png: bytes) -> bytes:
    """The picture with its darkest values black and its brightest white: the noise is faint."""
    buffer = io.BytesIO()
    ImageOps.autocontrast(Image.open(io.BytesIO(png)), cutoff=0.5).save(buffer, "PNG")
    return buffer.getvalue()
