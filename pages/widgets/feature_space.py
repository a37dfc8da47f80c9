"""The map of photographs in feature space, trained and untrained side by side."""

import altair as alt
import pandas as pd
import streamlit as st

from pages.widgets.charts import COLOURS
from pages.widgets.live import answer
from pages.widgets.photo import photo_label
from pages.widgets.picture import data_url
from pages.widgets.visit import the_lab, the_visit
from pages.widgets.words import _, show_error
from tl_core.images import samples
from tl_core.lab import UserError
from tl_core.specs import FeatureSpace, FeatureSpaceSnapshot, PreviewData, PreviewSnapshot, SpaceMap

METHODS = {"pca": "PCA, at once", "tsne": "t-SNE, groups neighbours"}
GALLERY = ""
_THUMBNAIL = 44  # pixels
_ON_MAP = 60  # photographs of a data set
_PER_CLASS = 20


def feature_space(backbone: str) -> None:
    """Draw the gallery's or a data set's photographs where the network puts them."""
    names = {entry.key: entry.label for entry in the_lab().datasets() if entry.state == "ready"}
    source = st.selectbox(
        _("Photographs on the map"),
        [GALLERY, *names],
        format_func=lambda key: names.get(key, _("the gallery and your own")),
        key="map_of",
    )
    method = st.segmented_control(
        _("Projection to two dimensions"),
        list(METHODS),
        default="pca",
        required=True,
        format_func=lambda key: _(METHODS[key]),
        key="projection",
    )
    try:
        kinds = _gallery() if source == GALLERY else _dataset(str(source))
        if not kinds:
            return
        spec = FeatureSpace(
            photos=tuple(kinds),
            labels=tuple(kinds.values()),
            method="tsne" if method == "tsne" else "pca",
            backbone=backbone,
        )
    except UserError as error:  # too few photographs, or one that has gone from its folder
        show_error(error)
        return
    found = answer(spec)
    if not isinstance(found, FeatureSpaceSnapshot):
        return
    for column, title, points in zip(
        st.columns(2),
        (_("Trained on ImageNet"), _("The same network, untrained (random weights)")),
        (found.trained, found.untrained),
        strict=True,
    ):
        if points is not None:
            with column:
                st.markdown(f"**{title}**")
                st.altair_chart(_chart(found, points), width="stretch")


def _gallery() -> dict[str, str]:
    """What each sample and each photograph of the visitor shows, by its key."""
    kinds: dict[str, str] = {row.key: row.kind for row in samples.SAMPLES}
    return kinds | dict.fromkeys(the_visit().photos, "yours")


def _dataset(key: str) -> dict[str, str]:
    """The classes of some photographs of a data set, by their keys; empty while it is opened."""
    visit = the_visit()
    if key in visit.maps:
        return visit.maps[key]
    found = answer(PreviewData(dataset=key, thumbnails=_PER_CLASS, thumbnail_side=16))
    if not isinstance(found, PreviewSnapshot):
        return {}
    per_class = max(_ON_MAP // max(len(found.classes), 1), 1)
    visit.maps[key] = {
        the_lab().dataset_photo(key, name, visit.id): one.name
        for one in found.classes
        for name in one.names[:per_class]
    }
    return visit.maps[key]


def _chart(found: FeatureSpaceSnapshot, points: SpaceMap) -> alt.LayerChart:
    frame = pd.DataFrame(
        {
            "x": [x for x, _y in points.points],
            "y": [y for _x, y in points.points],
            "image": [data_url(thumbnail) for thumbnail in found.thumbnails],
            "photo": [photo_label(key) for key in found.photos],
            "kind": [_(label) for label in found.labels],
        }
    )
    axis = {"axis": None, "scale": alt.Scale(domain=[-1.15, 1.15])}
    base = alt.Chart(frame, height=380).encode(
        x=alt.X("x:Q", **axis), y=alt.Y("y:Q", **axis), tooltip=["image", "photo", "kind"]
    )
    rings = base.mark_square(size=2600, filled=True, opacity=1).encode(
        color=alt.Color("kind:N", title=None, scale=alt.Scale(range=list(COLOURS)))
    )
    return rings + base.mark_image(width=_THUMBNAIL, height=_THUMBNAIL).encode(url="image:N")
