"""Every spec and its snapshot: the vocabulary that pages, commands and workrooms share."""

from tl_core.specs.base import DEFAULT_BACKBONE, Snapshot, Spec, require, spec_from_json
from tl_core.specs.classify import Answer, Classification, Classify
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
from tl_core.specs.why import (
    ATTRIBUTION_METHODS,
    Attribute,
    AttributeSnapshot,
    AttributionMap,
    ExplainedClass,
    Faithfulness,
    MethodRow,
)

__all__ = [
    "ATTRIBUTION_METHODS",
    "DEFAULT_BACKBONE",
    "Answer",
    "Attribute",
    "AttributeSnapshot",
    "AttributionMap",
    "ChannelDetail",
    "ChannelDetailSnapshot",
    "Classification",
    "Classify",
    "Download",
    "DownloadProgress",
    "ExplainedClass",
    "Faithfulness",
    "FeatureMaps",
    "FeatureMapsSnapshot",
    "FeatureSpace",
    "FeatureSpaceSnapshot",
    "LayerFacts",
    "MethodRow",
    "Mosaic",
    "OtherPhoto",
    "Snapshot",
    "SpaceMap",
    "Spec",
    "Spot",
    "require",
    "spec_from_json",
]
