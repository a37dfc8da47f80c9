"""The map of photographs in feature space, trained and untrained side by side."""

import altair as alt
import pandas as pd
import streamlit as st

from pages.feature_maps.alike import draw_alike, explain_rows
from pages.shared import link
from pages.shared.choose_one import choose_one
from pages.shared.choose_photo import photo_label
from pages.shared.live import answer
from pages.shared.picture import data_url
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, lesson, show_error
from tl_core.images import samples
from tl_core.lab import UserError
from tl_core.lab import gettext_noop as N_
from tl_core.specs.datasets import PreviewData
from tl_core.specs.feature_maps import FeatureSpace, FeatureSpaceSnapshot, SpaceMap

METHODS = {
    "tsne": N_("t-SNE: keeps neighbours together"),
    "pca": N_("PCA: the directions of largest variance"),
}
KINDS = {
    "cat": N_("cat"),
    "dog": N_("dog"),
    "bird": N_("bird"),
    "insect": N_("insect"),
    "fruit": N_("fruit"),
    "building": N_("building"),
    "space": N_("space"),
    "thing": N_("thing"),
    "yours": N_("yours"),
}  # of photographs; a data set has classes instead
GALLERY = ""
_HEIGHT = 560  # of a map, in pixels
_ALIKE = 460  # of the photographs above it
_THUMBNAIL = 56
_ON_MAP = 60  # photographs of a data set
_PER_CLASS = 20


def feature_space(backbone: str, photo: str) -> None:
    """Draw photographs at their projected embeddings, from the gallery or a data set.

    Above, the three that the network finds most like ``photo``.
    """
    st.header(_("Feature space: which photographs look alike to it?"), anchor=False)
    maps = st.container()
    try:
        spec = _choose(backbone)
    except UserError as error:  # too few photographs, or one that has gone from its folder
        show_error(error)
        return
    st.markdown(lesson("feature_maps")["space"])
    if spec is not None:
        with maps:
            found = answer(spec, timeout_s=0.1, height=_ALIKE + _HEIGHT)
            if found is not None:
                _draw(found, photo)


def _draw(found: FeatureSpaceSnapshot, photo: str) -> None:
    """Trained and untrained beside each other."""
    explain_rows(found)
    for column, name, title, points in zip(
        st.columns(2, gap="large"),
        ("trained", "untrained"),
        (_("Trained on ImageNet"), _("Untrained (random weights)")),
        (found.trained, found.untrained),
        strict=True,
    ):
        if points is not None:
            with column:
                st.markdown(_with_agreement(title, points))
                draw_alike(found, points, photo, name=name)
                words = _("{title}: every picture in its place on the map").format(title=title)
                st.altair_chart(_chart(found, points), height=_HEIGHT, alt=words)


def _with_agreement(title: str, points: SpaceMap) -> str:
    if points.agreement is None:
        return f"**{title}**"
    words = _("**{title}**: {percent:.0f} % have a nearest neighbour of the same kind")
    return words.format(title=title, percent=100 * points.agreement)


def _choose(backbone: str) -> FeatureSpace | None:
    """Which photographs, and how to project them; ``None`` while a data set is opened."""
    names = {
        entry.key: _(entry.label) for entry in the_lab().datasets.rows() if entry.state == "ready"
    }
    source, method = st.columns(2, gap="medium")
    with source, link.kept("map_of", GALLERY, [GALLERY, *names]):
        chosen = st.selectbox(
            _("Pictures on the map"),
            [GALLERY, *names],
            format_func=lambda key: names.get(key, _("the gallery and your own")),
            key="map_of",
        )
    with method:
        label = _("Projection to two dimensions")
        projection = choose_one(label, METHODS, key="projection", default="tsne")
    kinds = _gallery() if chosen == GALLERY else _dataset(str(chosen))
    if not kinds:
        return None
    return FeatureSpace(
        photos=tuple(kinds),
        labels=tuple(kinds.values()),
        method="tsne" if projection == "tsne" else "pca",
        backbone=backbone,
    )


def _gallery() -> dict[str, str]:
    """The kind of each sample and of each of the visitor's photographs, by its key."""
    kinds: dict[str, str] = {row.key: row.kind for row in samples.SAMPLES}
    return kinds | dict.fromkeys(the_visit().photos, "yours")


def _dataset(key: str) -> dict[str, str]:
    """The classes of some photographs of a data set, by their keys; empty while it is opened."""
    visit = the_visit()
    if key in visit.maps:
        return visit.maps[key]
    found = answer(PreviewData(dataset=key, thumbnails=_PER_CLASS, thumbnail_side=16))
    if found is None:
        return {}
    per_class = max(_ON_MAP // max(len(found.classes), 1), 1)
    visit.maps[key] = {
        the_lab().datasets.add_photo(key, name, visit.id): one.name
        for one in found.classes
        for name in one.names[:per_class]
    }
    return visit.maps[key]


def _chart(found: FeatureSpaceSnapshot, points: SpaceMap) -> alt.LayerChart | alt.FacetChart:
    frame = pd.DataFrame(
        {
            "x": [x for x, _y in points.points],
            "y": [y for _x, y in points.points],
            "image": [data_url(thumbnail) for thumbnail in found.thumbnails],
            "photo": [photo_label(key) for key in found.photos],
            "kind": [_(KINDS.get(label, label)) for label in found.labels],
        }
    )
    scale = alt.Scale(domain=[-1.15, 1.15])
    base = alt.Chart(frame).encode(
        x=alt.X("x:Q", axis=None, scale=scale),
        y=alt.Y("y:Q", axis=None, scale=scale),
        tooltip=[
            "image",  # drawn as what it is, by this name
            alt.Tooltip("photo:N", title=_("photograph")),
            alt.Tooltip("kind:N", title=_("kind")),
        ],
    )
    squares = base.mark_square(size=4200, filled=True, opacity=1).encode(
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(scheme="tableau10"),
            legend=alt.Legend(orient="top", columns=5),
        )
    )
    pictures = base.mark_image(width=_THUMBNAIL, height=_THUMBNAIL).encode(url="image:N")
    return alt.layer(squares, pictures)
