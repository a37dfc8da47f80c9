"""The Why? page: attribution maps of a photograph, and a test of their faithfulness."""

import streamlit as st

from pages.shared.frame import header
from pages.shared.live import watch_answer
from pages.shared.picture import stretched
from pages.shared.sitemap import WHY
from pages.shared.visit import the_lab
from pages.shared.words import _, lesson, plain
from tl_core.images import heatmap
from tl_core.lab import BackboneRow
from tl_core.specs import ATTRIBUTION_METHODS, Attribute, AttributeSnapshot, AttributionMap

METHODS = {row.key: row for row in ATTRIBUTION_METHODS}


def controls(row: BackboneRow, classes: tuple[str, ...], photo: str) -> Attribute | None:
    """What to ask, from the widgets."""
    methods = st.pills(
        _("Methods"),
        list(METHODS),
        selection_mode="multi",
        default=["gradcam"],
        format_func=lambda key: METHODS[key].label,
        key="methods",
    )
    if not methods:
        st.info(_("Choose at least one method."))
        return None
    for key in methods:
        st.caption(f"**{METHODS[key].label}**: {_(METHODS[key].does)} ({METHODS[key].paper})")
    targets = st.multiselect(
        _("Classes to explain"),
        range(len(classes)),
        max_selections=4,
        format_func=lambda index: classes[index],
        placeholder=_("the predicted one and the runner-up"),
        key="target_classes",
    )
    with st.expander(_("Finer settings")):
        layers = [stage.layer for stage in row.stages][::-1]
        layer = st.selectbox(_("Layer for the CAM methods"), layers, key=f"cam_layer_{row.key}")
        steps = st.slider(_("Steps of Integrated Gradients"), 8, 128, 32, 8, key="ig_steps")
        samples = st.slider(_("Noisy copies to average (noise tunnel)"), 0, 16, 0, key="noise")
        patch = st.slider(_("Occlusion: side of the cover, pixels"), 16, 96, 32, 8, key="patch")
    return Attribute(
        photo=photo,
        backbone=str(st.session_state.backbone),
        methods=tuple(methods),
        targets=tuple(targets),
        layer=layer,
        steps=steps,
        noise_samples=samples,
        patch=patch,
    )


def draw(snapshot: AttributeSnapshot) -> None:
    """The maps found so far: one row a class, one column a method."""
    for explained in snapshot.classes:
        maps = [found for found in snapshot.maps if found.target == explained.target]
        label, percent = plain(explained.label), 100 * explained.probability
        words = _("Why {label}? ({percent:.1f} %)").format(label=label, percent=percent)
        st.subheader(words, anchor=False)
        columns = st.columns(max(3, len(maps) + 1))
        with columns[0]:
            alt = _("The photograph at the network's size")
            stretched(snapshot.photo, caption=_("What the network sees"), alt=alt)
        for column, found in zip(columns[1:], maps, strict=False):
            with column:
                one_map(snapshot.photo, found)


def one_map(photo: bytes, found: AttributionMap) -> None:
    """A map over the photograph, and what blurring its brightest part does."""
    label = METHODS[found.method].label
    st.image(
        heatmap.overlay_encoded(photo, found.heatmap, st.session_state.strength),
        width="stretch",
        caption=label,
        alt=_("{method}: where the reasons lie").format(method=label),
    )
    proof = found.faithfulness
    if proof is not None:
        st.metric(
            _("Blur the top 20 %"),
            f"{100 * proof.important:.1f} %",
            f"{-100 * proof.fall:.1f}",
            help=_("The class's probability once the map's most important fifth is blurred."),
        )
        st.caption(_("A random fifth instead: {percent:.1f} %").format(percent=100 * proof.random))


bench = header(WHY)
backbone, photo = bench.backbone, bench.photo
if backbone is not None:
    lab = the_lab()
    spec = controls(lab.backbones.row(backbone), lab.backbones.classes(backbone), photo)
    st.slider(_("Strength of the overlay"), 0.0, 1.0, 0.6, 0.05, key="strength")
    if spec is not None:
        watch_answer(spec, draw, name="why")
    st.markdown(lesson("why")["faithful"])
