"""Feature maps to take home: the grid, or one map, each as a PNG with its settings inside."""

import io
from functools import partial

from PIL import Image

from pages.shared.download import download
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _
from tl_core.images.encode import SETTINGS_KEY, encode_png
from tl_core.lab import Lab, UserError
from tl_core.specs.feature_maps import (
    ChannelDetail,
    ChannelDetailSnapshot,
    FeatureMaps,
    FeatureMapsSnapshot,
)

_PATIENCE_S = 30.0  # for a map that is not drawn yet


def take_home(channel: int, *grids: tuple[FeatureMaps, FeatureMapsSnapshot]) -> None:
    """Draw the downloads: each grid, and the map of the first one's ``channel``."""
    first, _found = grids[0]
    detail = ChannelDetail(
        photo=first.photo, backbone=first.backbone, layer=first.layer, channel=channel
    )
    one = partial(_map_of, detail, the_lab(), the_visit().id)
    for number, (spec, found) in enumerate(grids, start=1):
        words = _("All maps shown (PNG, settings inside)")
        if len(grids) > 1:
            words = _("All maps of picture {number} (PNG, settings inside)")
        grid = partial(_with_settings, found.mosaic.picture, spec.to_json())
        name, key = f"feature_maps_{number}.png", f"download_maps_{number}"
        download(words.format(number=number), grid, name, key=key)
    words = _("The map of channel {channel} (PNG, settings inside)").format(channel=channel)
    download(words, one, "feature_map.png", key="download_map")


def _map_of(spec: ChannelDetail, lab: Lab, visitor: str) -> bytes:
    """One map, drawn when it is asked for: outside a run of the page."""
    job = lab.jobs.ask(spec, visitor, timeout_s=_PATIENCE_S)
    if job.error is not None:
        raise job.error
    if not isinstance(job.snapshot, ChannelDetailSnapshot):
        raise UserError("The lab is too busy to draw this map. Try again.")
    return _with_settings(job.snapshot.map, spec.to_json())


def _with_settings(png: bytes, settings: str) -> bytes:
    return encode_png(Image.open(io.BytesIO(png)), text={SETTINGS_KEY: settings})
