"""What a fine-tuned network still knows of its 1,000 classes: catastrophic forgetting, counted."""

from dataclasses import replace

import torch

from tl_core.backbones.backbone import Backbone
from tl_core.datasets.dataset import Dataset, Example
from tl_core.engine.runner import Sliced
from tl_core.images import samples
from tl_core.specs.training import Forgetting
from tl_core.training.embeddings import Extractor, extract
from tl_core.training.inputs import PhotoSource


def count_forgotten(start: Backbone, trained: Backbone, source: PhotoSource) -> Sliced[Forgetting]:
    """Show the gallery to the old head, on the features before and after fine-tuning.

    Only photographs whose class of ImageNet is known count.

    Source:
        McCloskey & Cohen 1989, "Catastrophic interference in connectionist networks".
    """
    known = [row for row in samples.SAMPLES if row.imagenet_class is not None]
    examples = tuple(Example(row.key, row.imagenet_class or 0, row.key) for row in known)
    gallery = Dataset(
        "gallery", "gallery", start.classes, examples, lambda example: samples.read(example.key)
    )
    shown = replace(source, dataset=gallery, on_progress=lambda *_: None)
    labels = torch.tensor([example.label for example in examples])
    right = []
    for network in (start, trained):
        rows = yield from extract(shown, Extractor(network, network.body), examples, mirrored=False)
        with torch.inference_mode():
            right.append(int(start.head(rows.float()).argmax(1).cpu().eq(labels).sum()))
    return Forgetting(right[0], right[1], len(examples))
