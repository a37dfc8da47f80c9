"""Every spec and its snapshot: the vocabulary that pages, commands and workrooms share."""

from tl_core.specs.base import DEFAULT_BACKBONE, Snapshot, Spec, require, spec_from_json
from tl_core.specs.classify import Answer, Classification, Classify
from tl_core.specs.download import Download, DownloadProgress
from tl_core.specs.ideal import IdealImage, IdealSnapshot, Judge, Verdict, Verdicts
from tl_core.specs.recipes import LADDER, RECIPES, Camera, Ramp, Recipe

__all__ = [
    "DEFAULT_BACKBONE",
    "LADDER",
    "RECIPES",
    "Answer",
    "Camera",
    "Classification",
    "Classify",
    "Download",
    "DownloadProgress",
    "IdealImage",
    "IdealSnapshot",
    "Judge",
    "Ramp",
    "Recipe",
    "Snapshot",
    "Spec",
    "Verdict",
    "Verdicts",
    "require",
    "spec_from_json",
]
