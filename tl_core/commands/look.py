"""Commands that look at one photograph: classify, features, attribute."""

from argparse import Namespace

from tl_core.commands.common import OWNER, Result, class_index, finished, read, write
from tl_core.images import codec
from tl_core.lab import Lab
from tl_core.specs import Attribute, Classify, FeatureMaps


def classify(lab: Lab, options: Namespace) -> Result:
    """Say what is on a photograph."""
    photo = lab.photos.add(read(options.image), OWNER)
    spec = Classify(photo=photo, backbone=options.backbone, seed=options.seed, top=options.top)
    found = finished(lab, spec)
    result = {
        "backbone": options.backbone,
        "milliseconds": round(found.milliseconds, 1),
        "answers": [
            {"index": best.index, "label": best.label, "probability": best.probability}
            for best in found.answers
        ],
    }
    return result, "\n".join(f"{best.probability:7.1%}  {best.label}" for best in found.answers)


def features(lab: Lab, options: Namespace) -> Result:
    """Write the mosaic of a layer's most active channels."""
    photo = lab.photos.add(read(options.image), OWNER)
    spec = FeatureMaps(
        photo=photo,
        backbone=options.backbone,
        seed=options.seed,
        layer=options.layer,
        channels=options.top,
    )
    found = finished(lab, spec)
    write(options.out, found.mosaic.picture)
    channels, height, width = found.facts.shape
    result = {
        "out": str(options.out),
        "layer": found.facts.layer,
        "shape": [channels, height, width],
        "stride": found.facts.stride,
        "receptive_field": found.facts.receptive_field,
        "channels": list(found.mosaic.channels),
    }
    return result, f"{options.out}: {len(found.mosaic.channels)} of {channels} channels"


def attribute(lab: Lab, options: Namespace) -> Result:
    """Write a map of what speaks for a class, over the photograph."""
    photo = lab.photos.add(read(options.image), OWNER)
    targets = [class_index(lab, options.backbone, options.target)] if options.target else []
    spec = Attribute(
        photo=photo,
        backbone=options.backbone,
        seed=options.seed,
        methods=(options.method,),
        targets=tuple(targets),
        layer=options.layer,
    )
    found = finished(lab, spec)
    best, asked = found.maps[0], found.classes[0]
    overlay = codec.decode(best.overlay, max_pixels=lab.settings.max_pixels)
    write(options.out, codec.encode_png(overlay))
    proof = best.faithfulness
    result = {
        "out": str(options.out),
        "method": best.method,
        "target": {"index": asked.target, "label": asked.label, "probability": asked.probability},
        "peak": list(best.peak),
        "faithfulness": {
            "before": proof.before,
            "important_blurred": proof.important,
            "random_blurred": proof.random,
        },
    }
    text = (
        f"{options.out}: {asked.label} {asked.probability:.1%}; {proof.important:.1%} with the "
        f"most important fifth blurred, {proof.random:.1%} with a random fifth"
    )
    return result, text
