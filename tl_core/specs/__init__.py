"""Every spec and its snapshot: the vocabulary that pages, commands and workrooms share."""

from tl_core.specs.base import DEFAULT_BACKBONE, Snapshot, Spec, require, spec_from_json
from tl_core.specs.download import Download, DownloadProgress
from tl_core.specs.inside import (
    ChannelDetail,
    ChannelDetailSnapshot,
    FeatureMaps,
    FeatureMapsSnapshot,
    FeatureSpace,
    FeatureSpaceSnapshot,
    LayerFacts,
    Mosaic,
    OtherPhoto,
    SpaceMap,
    Spot,
)

__all__ = [
    "DEFAULT_BACKBONE",
    "ChannelDetail",
    "ChannelDetailSnapshot",
    "Download",
    "DownloadProgress",
    "FeatureMaps",
    "FeatureMapsSnapshot",
    "FeatureSpace",
    "FeatureSpaceSnapshot",
    "LayerFacts",
    "Mosaic",
    "OtherPhoto",
    "Snapshot",
    "SpaceMap",
    "Spec",
    "Spot",
    "require",
    "spec_from_json",
]
