"""The handler of ``FeatureMaps``: the mosaic of one layer."""

import numpy as np

from tl_core.backbones.catalogue import BackboneRow, Stage
from tl_core.context import Context
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.feature_maps.activations import Activations, maps_of, stage_of
from tl_core.feature_maps.mosaic import draw_mosaic, most_active, natural_scale
from tl_core.feature_maps.receptive_field import receptive_fields
from tl_core.specs.feature_maps import FeatureMaps, FeatureMapsSnapshot, LayerFacts


def run(job: Job[FeatureMaps], context: Context) -> Sliced[FeatureMapsSnapshot]:
    """Draw the mosaic; once the photograph's maps are in memory, without calling the network."""
    spec = job.spec
    row = context.backbones.row(spec.backbone)
    stage = stage_of(row, spec.layer)
    maps = yield from maps_of(context, spec.photo, spec.backbone)
    snapshot: FeatureMapsSnapshot = yield from context.in_pool(
        _draw, spec, row, stage, maps[stage.layer]
    )
    return snapshot


def facts_of(row: BackboneRow, stage: Stage, activations: Activations) -> LayerFacts:
    """Return the layer in figures; for the pool (the first call for a backbone traces it)."""
    field = receptive_fields(row)[stage.layer]
    channels, height, width = activations.shape
    return LayerFacts(
        layer=stage.layer,
        words=stage.words,
        shape=(channels, height, width),
        stride=round(field.stride),
        receptive_field=field.size,
    )


def _draw(
    spec: FeatureMaps, row: BackboneRow, stage: Stage, activations: Activations
) -> FeatureMapsSnapshot:
    channels, activities = most_active(activations, spec.channels)
    scale = spec.scale or natural_scale(activations[list(channels)])
    return FeatureMapsSnapshot(
        step=1,
        facts=facts_of(row, stage, activations),
        mosaic=draw_mosaic(activations, channels, scale),
        activities=activities,
        scale=scale,
        range=(float(np.min(activations)), float(np.max(activations))),
    )
