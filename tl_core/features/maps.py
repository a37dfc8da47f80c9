"""The workroom of ``FeatureMaps``: the mosaic of one layer."""

import numpy as np

from tl_core.backbones.catalogue import BackboneRow, Stage
from tl_core.engine.job import Job
from tl_core.engine.runner import Work
from tl_core.features.mosaic import draw_mosaic, most_active, natural_scale
from tl_core.features.probe import Half, maps_of, stage_of
from tl_core.features.receptive import receptive_fields
from tl_core.specs.inside import FeatureMaps, FeatureMapsSnapshot, LayerFacts
from tl_core.toolbox import Toolbox


def run(job: Job, toolbox: Toolbox) -> Work:
    """Draw the mosaic; once the photograph's maps are in memory, without calling the network."""
    spec = job.spec
    assert isinstance(spec, FeatureMaps)  # the lab chose this workroom by the spec's type
    row = toolbox.store.row(spec.backbone)
    stage = stage_of(row, spec.layer)
    maps = yield from maps_of(toolbox, spec.photo, spec.backbone)
    snapshot: FeatureMapsSnapshot = yield from toolbox.aside(
        _draw, spec, row, stage, maps[stage.layer]
    )
    return snapshot


def facts_of(row: BackboneRow, stage: Stage, half: Half) -> LayerFacts:
    """Return the layer in figures; for the pool (the first call for a backbone traces it)."""
    field = receptive_fields(row)[stage.layer]
    channels, height, width = half.shape
    return LayerFacts(
        layer=stage.layer,
        words=stage.words,
        shape=(channels, height, width),
        stride=field.stride,
        receptive_field=field.size,
    )


def _draw(spec: FeatureMaps, row: BackboneRow, stage: Stage, half: Half) -> FeatureMapsSnapshot:
    channels, activities = most_active(half, spec.channels)
    scale = spec.scale or natural_scale(half[list(channels)])
    return FeatureMapsSnapshot(
        step=1,
        facts=facts_of(row, stage, half),
        mosaic=draw_mosaic(half, channels, scale),
        activities=activities,
        scale=scale,
        range=(float(np.min(half)), float(np.max(half))),
    )
