"""Every spec and its snapshot: the vocabulary that pages, commands and workrooms share."""

from tl_core.specs.attack import GROUPS, Attack, AttackSnapshot, Gap, Goal, Group
from tl_core.specs.base import DEFAULT_BACKBONE, Snapshot, Spec, require, spec_from_json
from tl_core.specs.classify import Answer, Classification, Classify
from tl_core.specs.download import Download, DownloadProgress
from tl_core.specs.ideal import IdealImage, IdealSnapshot, Judge, Verdict, Verdicts
from tl_core.specs.methods import METHOD, METHODS, Method
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
from tl_core.specs.pictures import Move, PictureSnapshot, PictureSpec
from tl_core.specs.recipes import LADDER, RECIPES, Camera, Ramp, Recipe
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
    "GROUPS",
    "LADDER",
    "METHOD",
    "METHODS",
    "RECIPES",
    "Answer",
    "Attack",
    "AttackSnapshot",
    "Attribute",
    "AttributeSnapshot",
    "AttributionMap",
    "Camera",
    "ChannelDetail",
    "ChannelDetailSnapshot",
    "Classification",
    "Classify",
    "Download",
    "DownloadProgress",
    "Gap",
    "Goal",
    "Group",
    "IdealImage",
    "IdealSnapshot",
    "Judge",
    "Method",
    "ExplainedClass",
    "Faithfulness",
    "FeatureMaps",
    "FeatureMapsSnapshot",
    "FeatureSpace",
    "FeatureSpaceSnapshot",
    "IdealImage",
    "IdealSnapshot",
    "Judge",
    "LayerFacts",
    "MethodRow",
    "Mosaic",
    "Move",
    "OtherPhoto",
    "PictureSnapshot",
    "PictureSpec",
    "Ramp",
    "Recipe",
    "Snapshot",
    "SpaceMap",
    "Spec",
    "Spot",
    "Verdict",
    "Verdicts",
    "require",
    "spec_from_json",
]
