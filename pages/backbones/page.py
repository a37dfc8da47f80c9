"""The Backbones page: classify a photograph, compare pretrained networks, choose one."""

import math

import streamlit as st

from pages.backbones import backbone_table, compare_backbones
from pages.shared.chapters import note
from pages.shared.charts import answer_bars
from pages.shared.choose_backbone import label_of, megabytes, offer
from pages.shared.choose_photo import credit, photo_label
from pages.shared.device import device_words
from pages.shared.frame import header
from pages.shared.live import answer, ask_ahead
from pages.shared.live_camera import live_answers, live_switch, live_view
from pages.shared.none_of_these import is_none, say_what_softmax_says, says, share_of
from pages.shared.picture import MAIN_PICTURE, live_picture
from pages.shared.show_code import show_code
from pages.shared.sitemap import BACKBONES, FEATURE_MAPS, HISTORY, TRAINING
from pages.shared.sources import sources
from pages.shared.stage import stage
from pages.shared.visit import the_lab
from pages.shared.words import _, class_name, lesson, percent, plain
from tl_core.lab import BackboneRow
from tl_core.lab import gettext_noop as N_
from tl_core.specs.classify import Classification, Classify

_MEANINGS = {
    N_("ImageNet top-1 accuracy"): N_(
        "Share of ImageNet's validation photographs that its first answer gets right"
    ),
    N_("Computation per image"): N_("Billions of multiply-adds per photograph"),
    N_("Parameters"): N_("The numbers it has learned, in millions"),
    N_("Weights file"): N_("Size of the file that holds those numbers"),
}


def facts(row: BackboneRow) -> None:
    """When to choose a network, and its figures, one press away."""
    figures = {
        "ImageNet top-1 accuracy": percent(row.top1 / 100),
        "Computation per image": _("{gflops:.2f} GFLOPs").format(gflops=row.gflops),
        "Parameters": _("{millions:.1f} M").format(millions=row.parameters_m),
        "Weights file": megabytes(row.source.size_mb),
    }
    with st.container(key="facts"):
        st.markdown(f"**{row.label}** · {row.year}")
        st.markdown(_(row.advice))
        with st.expander(_("Its figures")):
            left, right = st.columns(2, gap="small", wrap=False)
            for i, (name, value) in enumerate(figures.items()):
                (left, right)[i % 2].metric(_(name), value, help=_(_MEANINGS[name]))


def photograph(found: Classification, photo: str, network: str) -> None:
    """The photograph as the network sees it."""
    best = found.answers[0]
    words = _("{photo} as {network} sees it: {label}")
    alt = words.format(photo=photo_label(photo), network=network, label=class_name(best.label))
    live_picture(found.seen, alt=alt)
    st.caption(credit(photo))


def answers(found: Classification, key: str) -> None:
    """What the chosen network says."""
    network, milliseconds = label_of(key), the_lab().jobs.look_ms(key)
    words = _("{backbone} says: {label}")
    st.subheader(words.format(backbone=plain(network), label=says(found)), anchor=False)
    if is_none(found.novelty):
        say_what_softmax_says(found.answers[0])
    answer_bars(found.answers, key="top5", bar=24)
    if math.isfinite(milliseconds):
        words = _("One answer (inference) takes {ms:.0f} ms on this server ({device}).")
        st.caption(words.format(ms=milliseconds, device=device_words()))


def answer_still(looker: str | None) -> None:
    """The photograph, what the chosen network says of it, and what the others say."""
    ready = [row.key for row in the_lab().backbones.ready()]
    lookers = [looker] if looker is not None else []
    ask_ahead(Classify(photo=photo, backbone=key) for key in dict.fromkeys([*lookers, *ready]))
    said = {}
    for key in lookers:
        with picture:
            found = answer(Classify(backbone=key, photo=photo), height=MAIN_PICTURE)
            if found is not None:
                said[key] = found
                photograph(found, photo, label_of(key))
        if found is not None:
            with side:
                answers(found, key)
    with side:
        st.markdown("**" + _("The other networks") + "**")
        said |= compare_backbones.other_answers(photo, looker or chosen)
    note(BACKBONES, compare_backbones.surest(said, photo))


subject = header(BACKBONES, has_offer=False)
chosen, photo = str(st.session_state.backbone), subject.photo
picked = the_lab().backbones.row(chosen)  # of a visitor's model: what it grew from
rail, picture, side = stage()
with rail:
    facts(picked)
    if subject.backbone != chosen:
        offer(chosen, shown=subject.backbone)
    else:
        for page, words in (
            (FEATURE_MAPS, _("Look inside it")),
            (TRAINING, _("Teach it your own")),
        ):
            st.page_link(page.path, label=words, icon=page.icon)
with picture:
    is_live = subject.backbone is not None and live_switch()
if is_live and subject.backbone is not None:
    with picture:
        live_view(subject.backbone)
    with side:
        live_answers(subject.backbone, none_share=share_of(subject.backbone))
else:
    answer_still(subject.backbone)

if subject.backbone is not None:
    show_code(BACKBONES, Classify(photo=photo, backbone=subject.backbone))
st.markdown(lesson("backbones")["choose"])
backbone_table.draw()
st.subheader(_("Accuracy against computation"), anchor=False)
st.markdown(lesson("backbones")["price"])
st.page_link(HISTORY.path, label=_(HISTORY.title), icon=HISTORY.icon)
compare_backbones.accuracy_and_cost(backbone_table.backbones(), picked)
st.markdown(lesson("backbones")["limits"])
sources(BACKBONES)
