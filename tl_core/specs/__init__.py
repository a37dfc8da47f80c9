"""Every spec and its snapshot: the vocabulary that pages, commands and workrooms share."""

from tl_core.specs.base import DEFAULT_BACKBONE, Snapshot, Spec, require, spec_from_json
from tl_core.specs.download import Download, DownloadProgress

__all__ = [
    "DEFAULT_BACKBONE",
    "Download",
    "DownloadProgress",
    "Snapshot",
    "Spec",
    "require",
    "spec_from_json",
]
