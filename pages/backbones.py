"""The Backbones page: compare pretrained networks, choose one, classify a photograph."""

import streamlit as st

from pages.inside import compare_backbones
from pages.shared.charts import answer_bars
from pages.shared.choose_backbone import label_of
from pages.shared.choose_photo import credit, photo_label
from pages.shared.frame import header
from pages.shared.live import answer
from pages.shared.sitemap import BACKBONES
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson, plain
from tl_core.lab import BackboneState
from tl_core.specs import Classify

bench = header(BACKBONES)
backbone, photo = bench.backbone, bench.photo
found = the_lab().backbones.rows()
shown = [status for status in found if status.state is not BackboneState.TOO_LARGE]
compare_backbones.table(shown)
# of a visitor's model: what it grew from
picked = the_lab().backbones.row(st.session_state.backbone)
st.markdown(f"**{picked.label}**: {_(picked.advice)}")

st.header(_("What does it see?"))
result = answer(Classify(backbone=backbone, photo=photo)) if backbone is not None else None
if backbone is not None and result is not None:
    picture, chart = st.columns([1, 2])
    picture.image(result.seen, caption=credit(photo), width="stretch", alt=photo_label(photo))
    with chart:
        name, label = plain(label_of(backbone)), plain(result.answers[0].label)
        words = _("{backbone} says: {label}").format(backbone=name, label=label)
        st.subheader(words, anchor=False)
        answer_bars(result.answers, key="top5")
        words = _("One look took {ms:.0f} ms on this server ({device}).")
        st.caption(words.format(ms=result.milliseconds, device=the_lab().status().device))

st.header(_("All of them, on the same photograph"))
st.markdown(lesson("backbones")["side by side"])
compare_backbones.answers(photo)

st.header(_("Accuracy and its price"))
st.markdown(lesson("backbones")["price"])
compare_backbones.accuracy_and_cost(shown, picked)
