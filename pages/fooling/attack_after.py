"""A finished attack: downloads, transfer to other networks, survival of transforms, full size."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypedDict

import pandas as pd
import streamlit as st

from pages.fooling.attack_view import figures
from pages.shared import runs
from pages.shared.live import answer
from pages.shared.picture import live_picture
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, plain
from tl_core.lab import Job
from tl_core.specs import Attack, AttackSnapshot, PasteBack, Survival, Transfer

NAME = "attack"
ROBUST_LEVELS = 4  # fewer leave a JPEG encoder little to keep


class _Question(TypedDict):
    """What the three questions have in common."""

    photo: str
    original: str
    backbone: str
    target: int | None
    avoid: str


def draw_finished(job: Job) -> None:
    """Downloads, and three questions about the attacked picture."""
    found, spec = job.snapshot, job.spec
    if not isinstance(found, AttackSnapshot) or not isinstance(spec, Attack) or not found.picture:
        return
    _downloads(found, spec)
    attacked = the_lab().photos.add(found.picture, the_visit().id)
    question = _Question(
        photo=attacked,
        original=spec.photo,
        backbone=spec.backbone,
        target=spec.target,
        avoid=spec.avoid,
    )
    transfer, survival, paste_back = st.tabs(
        [_("Does it fool the others?"), _("Does it survive?"), _("On the whole photograph")]
    )
    with transfer:
        _draw_transfer(Transfer(**question, also=spec.also), spec)
    with survival:
        _draw_survival(Survival(**question), spec)
    with paste_back:
        _draw_paste_back(PasteBack(**question))


def _downloads(found: AttackSnapshot, spec: Attack) -> None:
    with st.container(horizontal=True):
        st.download_button(
            _("Picture (PNG)"),
            found.picture,
            "attacked.png",
            "image/png",
            key="download",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            _("Settings (JSON)"),
            found.settings or spec.to_json(),
            "attacked.json",
            "application/json",
            key="download_json",
            on_click="ignore",
        )
        st.caption(_("Drop the picture on this page again: the network is still fooled."))
    is_on_disk = spec.backbone in {row.key for row in the_lab().backbones.ready()}
    if spec.target is not None and is_on_disk:
        st.code(_command(spec), language="console", wrap_lines=True)


def _command(spec: Attack) -> str:
    return (
        f"python -m tl_core attack PHOTO --target {spec.target} --epsilon {spec.epsilon} "
        f"--steps {spec.steps} --method {spec.method} --backbone {spec.backbone} --out attacked.png"
    )


def _start_again(spec: Attack) -> None:
    """Start the attack anew with other settings, and let the controls show them."""
    st.session_state.method, st.session_state.epsilon = spec.method, spec.epsilon
    st.session_state.ensemble = bool(spec.also)
    runs.begin(NAME, _("Attack"), [("", spec)])


def _draw_transfer(question: Transfer, spec: Attack) -> None:
    found = answer(question, timeout_s=0.1)
    if found is not None:
        _table(
            {
                _("Network"): opinion.label,
                _("Attacked"): opinion.was_attacked,
                _("Before"): opinion.before.label,
                _("After"): opinion.after.label,
                _("Goal"): 100 * opinion.probability,
                _("Fooled"): opinion.is_fooled,
            }
            for opinion in found.opinions
        )
        if len(found.opinions) == 1:
            st.caption(_("No other network here knows these classes."))
            return
        st.caption(_("A defence is to ask several networks. *For strangers* attacks that defence."))
        others = tuple(row.backbone for row in found.opinions if row.backbone != spec.backbone)
        if set(others) != set(spec.also):
            st.button(
                _("Attack all of them at once"),
                key="attack_all",
                icon=":material/groups:",
                on_click=_start_again,
                args=(replace(spec, also=others),),
            )


def _draw_survival(question: Survival, spec: Attack) -> None:
    found = answer(question, timeout_s=0.1)
    if found is not None:
        _table(
            {
                _("Wear"): _(trial.label),
                _("The network then says"): trial.answer.label,
                _("Goal"): 100 * trial.probability,
                _("Still fooled"): trial.is_fooled,
            }
            for trial in found.trials
        )
        st.caption(_("The method *Robust* optimises through such wear."))
        if spec.method != "robust":
            levels = max(spec.epsilon, ROBUST_LEVELS)
            st.button(
                _("Attack through all this, within {levels} levels").format(levels=levels),
                key="attack_robustly",
                icon=":material/shield:",
                on_click=_start_again,
                args=(replace(spec, method="robust", epsilon=levels),),
            )


def _table(lines: Iterable[dict[str, object]]) -> None:
    """One line a network or a trial, with the goal's probability as a bar."""
    goal = st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100)
    st.dataframe(pd.DataFrame(list(lines)), hide_index=True, column_config={_("Goal"): goal})


def _draw_paste_back(spec: PasteBack) -> None:
    found = answer(spec, timeout_s=0.1)
    if found is None:
        return
    picture, words = st.columns([1, 1])
    with picture:
        live_picture(found.picture, alt=_("The whole photograph, attacked"), kind="image/png")
    with words:
        verdict = _("still fooled") if found.is_fooled else _("not fooled any more")
        st.markdown(
            _("At {width} × {height} pixels the network says **{label}**: {verdict}.").format(
                width=found.width,
                height=found.height,
                label=plain(found.after[0].label),
                verdict=verdict,
            )
        )
        st.caption(
            _("The network shrinks the photograph before it looks, and that wears the change off.")
        )
    figures(found.gap)
