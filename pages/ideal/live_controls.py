"""Sliders that act while a picture grows: what is moved is passed on to the running jobs."""

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.shared import runs
from pages.shared.sitemap import IDEAL
from tl_core.lab import gettext_noop as N_
from tl_core.specs.ideal import IdealImage

OPTIMISERS = {"descent": N_("gradient descent"), "momentum": N_("momentum"), "adam": N_("adam")}
RATES_OF_OPTIMISERS = {"descent": 1.0, "momentum": 0.3, "adam": 0.08}


def acting(control: str) -> dict[str, Any]:
    """What the widget of a control that acts at once has beside its values."""
    return {"key": control, "on_change": moved, "args": (control,)}


def moved(control: str) -> None:
    """Pass a moved slider on to the running jobs that follow it.

    It has no value where an older visit has just taken this one's place.
    """
    if control not in st.session_state:
        return
    value = st.session_state[control]
    run = runs.current(IDEAL.topic)
    for _label, job in run.jobs if run else []:
        if isinstance(job.spec, IdealImage) and not job.is_over and _listens(job.spec, control):
            if control == "learning_rate" and not value:
                value = replace(job.spec, learning_rate=None).control("learning_rate")
            job.update(**{control: float(value)})


def _listens(spec: IdealImage, control: str) -> bool:
    """Whether a job follows the control: compared recipes and optimisers keep their own values."""
    if control == "mix":
        return spec.target != spec.second_target
    is_rung = spec.tv_weight is None
    has_own_rate = control == "learning_rate" and spec.optimiser in RATES_OF_OPTIMISERS
    return control == "augmentation" or not (is_rung or has_own_rate)
