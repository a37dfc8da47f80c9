"""Every spec and its snapshot: the vocabulary that pages, commands and workrooms share."""

from tl_core.specs.base import DEFAULT_BACKBONE, Snapshot, Spec, require, spec_from_json
from tl_core.specs.ideal import IdealImage, IdealSnapshot, Judge, Verdict, Verdicts
from tl_core.specs.recipes import LADDER, RECIPES, Camera, Ramp, Recipe

__all__ = [
    "DEFAULT_BACKBONE",
    "LADDER",
    "RECIPES",
    "Camera",
    "IdealImage",
    "IdealSnapshot",
    "Judge",
    "Ramp",
    "Recipe",
    "Snapshot",
    "Spec",
    "Verdict",
    "Verdicts",
from tl_core.specs.classify import Answer, Classification, Classify
from tl_core.specs.download import Download, DownloadProgress

__all__ = [
    "DEFAULT_BACKBONE",
    "Answer",
    "Classification",
    "Classify",
    "Download",
    "DownloadProgress",
    "Snapshot",
    "Spec",
    "require",
    "spec_from_json",
]
