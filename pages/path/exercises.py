"""The lesson's exercises: what to do, and what the visitor's own trainings say about them."""

from collections.abc import Iterable

import streamlit as st

from pages.shared.chapters import ICONS
from pages.shared.choose_backbone import megabytes
from pages.shared.query import VERSION
from pages.shared.sitemap import TRAINING
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, lesson, percent, plain, plain_class
from pages.visit.state import Learned

PETS = "oxford_iiit_pet"
_SHORTCUT = "coloured_digits"
_REPAIRED = ("coloured_digits_at_random", "coloured_digits_grey")
_BORROWED, _NOTHING = ("head", "last-block", "full"), "scratch"


def draw_challenge() -> None:
    """How much of the advantage is left on pictures unlike ImageNet's."""
    learned = [row for row in the_visit().learned.values() if row.elsewhere is None]
    found = advantage(row for row in learned if row.is_unlike_imagenet)
    _draw("challenge", is_done=found is not None)
    if found is None:
        _to_teach("digits", _("Open it with the digits and both methods"), mode="head,scratch")
        return
    with_it, without = found
    points = 100 * (with_it.accuracy - without.accuracy)
    words = _(
        "{label}: {borrowed} pretrained on ImageNet, {nothing} from scratch. The advantage is "
        "gone: {points:+.1f} percentage points."
    )
    if points > 0:
        words = _(
            "{label}: {borrowed} pretrained on ImageNet, {nothing} from scratch. That leaves an "
            "advantage of {points:.1f} percentage points."
        )
    st.markdown(
        words.format(
            label=plain(_(with_it.label)),
            borrowed=percent(with_it.accuracy),
            nothing=percent(without.accuracy),
            points=points,
        )
    )
    alike = advantage(row for row in learned if not row.is_unlike_imagenet)
    if alike is not None:
        words = _(
            "On {label}, which look like ImageNet's pictures, the advantage was {points:+.1f} "
            "percentage points."
        )
        points = 100 * (alike[0].accuracy - alike[1].accuracy)
        st.markdown(words.format(label=plain(_(alike[0].label)), points=points))


def draw_pets() -> None:
    """Top-1 and top-3 of the breeds."""
    found = [row for row in the_visit().learned.values() if row.dataset == PETS]
    _draw("pets", is_done=bool(found))
    if found:
        best = max(found, key=lambda row: row.accuracy)
        words = _(
            "{backbone} learned {classes} breeds from {train:,} photographs. On {tested:,} "
            "validation photographs: top-1 **{top1}**, top-3 **{top3}**."
        )
        st.markdown(
            words.format(
                backbone=plain(best.backbone),
                classes=best.classes,
                train=best.train,
                top1=percent(best.accuracy),
                top3=percent(best.top3),
                tested=best.tested,
            )
        )
        return
    (entry,) = (entry for entry in the_lab().datasets.rows() if entry.key == PETS)
    if entry.state != "ready" and entry.row is not None:
        size = megabytes(entry.row.download_bytes / 2**20)
        words = _(
            "Its photographs are not on this machine yet. Download them on *Teach it* ({size})."
        )
        if not the_lab().jobs.visitors_may_download(PETS):
            words = _(
                "Its photographs are not on this machine. Ask the person who runs the lab to get "
                "them ({size}) with `python -m tl_core prepare {key}`."
            )
        st.caption(words.format(size=size, key=PETS))
    _to_teach(PETS, _("Try it on the pet breeds"), mode="head")


def draw_unknown() -> None:
    """What softmax and the distance said of photographs that show none of a model's classes.

    A photograph that a link brought along is none that the visitor tried.
    """
    visit = the_visit()
    tries = [one for one in visit.tries if one.photo != visit.linked_photo]
    away = [one for one in tries if one.is_none]
    _draw("unknown", is_done=bool(away))
    if not away:
        st.page_link(TRAINING.path, label=_("Open it"), icon=TRAINING.icon)
        return
    surest = max(away, key=lambda one: one.probability)
    words = _(
        "Of the last {count} photographs you tried, {away} were “none of these” by distance. "
        "Softmax was {percent} sure that one of those was “{label}”."
    )
    said = {"percent": percent(surest.probability), "label": plain_class(surest.label)}
    st.markdown(words.format(count=len(tries), away=len(away), **said))


def draw_shortcut() -> None:
    """What validation said of digits whose backgrounds tell, what other tests said; the repair."""
    newest = {row.dataset: row for row in the_visit().learned.values()}
    found = [newest[key] for key in (_SHORTCUT, *_REPAIRED) if key in newest]
    has_fallen = _SHORTCUT in newest
    is_done = has_fallen and len(found) > 1
    _draw("shortcut", is_done=is_done)
    if not has_fallen:
        _to_teach(_SHORTCUT, _("Open it with the digits on colours"), mode="head")
        return
    for row in found:
        words = _("{label}: **{validation}** in validation.")
        if row.elsewhere is not None:
            words = _(
                "{label}: **{validation}** in validation, **{elsewhere}** on other backgrounds."
            )
        elsewhere = percent(row.elsewhere or 0)
        said = {"validation": percent(row.accuracy), "elsewhere": elsewhere}
        st.markdown(words.format(label=plain(_(row.label)), **said))
    if not is_done:
        _to_teach(_REPAIRED[0], _("Repair it"), mode="head")


def advantage(rows: Iterable[Learned]) -> tuple[Learned, Learned] | None:
    """The newest training that borrowed and one that did not, of the same photographs."""
    found = list(rows)[::-1]
    for borrowed in (row for row in found if row.mode in _BORROWED):
        for nothing in (row for row in found if row.mode == _NOTHING):
            if _task(borrowed) == _task(nothing):
                return borrowed, nothing
    return None


def _task(row: Learned) -> tuple[object, ...]:
    return row.dataset, row.backbone, row.train, row.tested


def _draw(name: str, *, is_done: bool) -> None:
    st.markdown(f"{ICONS[is_done]} {lesson('path')[name]}")


def _to_teach(dataset: str, words: str, *, mode: str) -> None:
    st.page_link(
        TRAINING.path,
        label=words,
        icon=TRAINING.icon,
        query_params={"dataset": dataset, "mode": mode, "version": VERSION},
    )


EXERCISES = (draw_challenge, draw_pets, draw_unknown, draw_shortcut)
