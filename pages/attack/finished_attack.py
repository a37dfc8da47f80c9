"""A finished attack: downloads, transfer to other networks, survival of transforms, full size."""

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.attack.attack_view import figures
from pages.attack.change_view import draw_change
from pages.attack.smallest_view import draw_smallest
from pages.shared import link, runs
from pages.shared.chapters import note
from pages.shared.download import download
from pages.shared.live import answer
from pages.shared.picture import live_picture
from pages.shared.sitemap import ATTACK
from pages.shared.table import table
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, class_name, plain_class
from pages.visit.state import Outcome
from tl_core.lab import Job, JobState
from tl_core.specs.attack import (
    Attack,
    AttackSnapshot,
    PasteBack,
    SmallestBudget,
    Survival,
    Transfer,
)

_GUESSES = {"1": 2, "8": 16, "64": 255}  # by the answer, the most levels it stands for
_ROBUST_LEVELS = 4  # fewer leave a JPEG encoder little to keep
_COMMAND = (
    "python -m tl_core attack PHOTO --target {spec.target} --epsilon {spec.epsilon} --steps "
    "{spec.steps} --method {spec.method} --backbone {spec.backbone} --out attacked.png"
)


def draw_finished(job: Job, smallest: SmallestBudget | None) -> None:
    """Downloads, the difference, three questions about the picture, and the smallest budget."""
    found, spec = job.snapshot, job.spec
    if not isinstance(found, AttackSnapshot) or not isinstance(spec, Attack) or not found.picture:
        return
    if job.state is JobState.DONE:
        note(ATTACK, _how_far(job.id, found))
    with st.container(key="finished_downloads"):
        _downloads(found, spec)
    question: dict[str, Any] = {
        "photo": the_lab().photos.add(found.picture, the_visit().id),
        "original": spec.photo,
        "backbone": spec.backbone,
        "target": spec.target,
        "avoid": spec.avoid,
    }
    change, transfer, survival, paste_back, budget = st.tabs(
        [
            _("Perturbation"),
            _("Transferability"),
            _("Robustness"),
            _("Whole photograph"),
            _("How small a change is enough?"),
        ]
    )
    with change:
        draw_change(found, key=job.id)
    with transfer:
        _draw_transfer(Transfer(**question, also=spec.also), spec)
    with survival:
        _draw_survival(Survival(**question), spec)
    with paste_back:
        _draw_paste_back(PasteBack(**question))
    with budget:
        draw_smallest(smallest)


def draw_measures(job: Job) -> None:
    """The distances of a finished attack, and the command that repeats it."""
    found, spec = job.snapshot, job.spec
    if not isinstance(found, AttackSnapshot) or not isinstance(spec, Attack) or not found.picture:
        return
    figures(found.gap)
    is_on_disk = spec.backbone in {row.key for row in the_lab().backbones.ready()}
    if spec.target is not None and is_on_disk:
        st.caption(_("The same from the command line"))
        st.code(_COMMAND.format(spec=spec), language="console", wrap_lines=True)


def _how_far(run: str, found: AttackSnapshot) -> Outcome:
    """Within how many levels the attack succeeded, or did not."""
    levels, answer = found.gap.linf_levels, ""
    if found.is_fooled:
        answer = next(key for key, most in _GUESSES.items() if levels <= most)
    return Outcome(
        about=run,
        answer=answer,
        figures={
            "levels": levels,
            "before": found.before[0].label,
            "after": found.after[0].label,
            "percent": 100 * found.after[0].probability,
        },
    )


def _downloads(found: AttackSnapshot, spec: Attack) -> None:
    with st.container(horizontal=True):
        icon = ":material/download:"
        download(_("Picture (PNG)"), found.picture, "attacked.png", key="download", icon=icon)
        settings = found.settings or spec.to_json()
        download(_("Settings (JSON)"), settings, "attacked.json", key="download_json")
        st.caption(
            _(
                "Drop this file on the page again: the network is still fooled. Chat apps and "
                "websites change the file: see Robustness."
            )
        )


def _start_again(spec: Attack) -> None:
    """Start the attack anew with other settings, and let the controls show them."""
    link.set_choice("method", spec.method)
    link.set_choice("epsilon", spec.epsilon)
    link.set_choice("ensemble", bool(spec.also))
    runs.begin(ATTACK.topic, [("", spec)])


def _draw_transfer(question: Transfer, spec: Attack) -> None:
    found = answer(question, timeout_s=0.1)
    if found is None:
        return
    _table(
        [
            {
                _("Network"): opinion.label,
                _("Attacked"): opinion.was_attacked,
                _("Before"): class_name(opinion.before.label),
                _("After"): class_name(opinion.after.label),
                _("Goal"): 100 * opinion.probability,
                _("Fooled"): opinion.is_fooled,
            }
            for opinion in found.opinions
        ]
    )
    if len(found.opinions) == 1:
        st.caption(_("No other network here knows these classes."))
        return
    st.caption(
        _(
            "Asking several networks is a weak defence: an attack on all of them at once usually "
            "gets past it. The established defence is adversarial training: learning from "
            "attacked pictures too (Madry et al. 2018)."
        )
    )
    others = tuple(row.backbone for row in found.opinions if row.backbone != spec.backbone)
    if set(others) != set(spec.also):
        words, icon = _("Attack all of them at once"), ":material/groups:"
        anew = replace(spec, also=others)
        st.button(words, key="attack_all", icon=icon, on_click=_start_again, args=(anew,))


def _draw_survival(question: Survival, spec: Attack) -> None:
    found = answer(question, timeout_s=0.1)
    if found is None:
        return
    _table(
        [
            {
                _("Image change"): _(trial.label),
                _("The network then says"): class_name(trial.answer.label),
                _("Goal"): 100 * trial.probability,
                _("Still fooled"): trial.is_fooled,
            }
            for trial in found.trials
        ]
    )
    st.caption(
        _(
            "The *Robust (EOT)* method attacks many copies changed like this, all at once "
            "(expectation over transformation)."
        )
    )
    if spec.method != "robust":
        anew = replace(spec, method="robust", epsilon=max(spec.epsilon, _ROBUST_LEVELS))
        words = _("Make it survive all this, within {levels} levels").format(levels=anew.epsilon)
        icon = ":material/shield:"
        st.button(words, key="attack_robustly", icon=icon, on_click=_start_again, args=(anew,))


def _table(lines: list[dict[str, object]]) -> None:
    """One line a network or a trial, with the goal's probability as a bar."""
    words = _("Probability of the attack's goal")
    goal = st.column_config.ProgressColumn(help=words, format="%.1f %%", min_value=0, max_value=100)
    table(lines, columns={_("Goal"): goal})


def _draw_paste_back(spec: PasteBack) -> None:
    found = answer(spec, timeout_s=0.1)
    if found is None:
        return
    picture, text = st.columns(2)
    with picture:
        live_picture(found.picture, alt=_("The whole attacked photograph"))
    label = plain_class(found.after[0].label)
    words = _("At {width} × {height} pixels the network says **{label}**: not fooled any more.")
    if found.is_fooled:
        words = _("At {width} × {height} pixels the network says **{label}**: still fooled.")
    text.markdown(words.format(width=found.width, height=found.height, label=label))
    worn = _(
        "The network sees a smaller copy of the photograph, and shrinking it removed the change."
    )
    kept = _(
        "The network sees a smaller copy of the photograph, but enough of the change survived."
    )
    text.caption(kept if found.is_fooled else worn)
    figures(found.gap)
