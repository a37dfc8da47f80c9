"""The handler of ``FeatureSpace``: photographs as points, alike ones near each other."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import untrained
from tl_core.context import Context
from tl_core.engine.job import Job
from tl_core.engine.runner import Sliced
from tl_core.errors import UserError
from tl_core.images.decode import decode
from tl_core.images.encode import thumbnail
from tl_core.specs.feature_maps import FeatureSpace, FeatureSpaceSnapshot, SpaceMap

Embeddings: TypeAlias = NDArray[np.floating[Any]]  # (N, D)
THUMBNAIL_PX = 96
NEAREST = 3
_SAME = 1e-6  # of the largest value: differences below are rounding
_FEWEST = 4  # different photographs for t-SNE; fewer are exact on two axes


def run(job: Job[FeatureSpace], context: Context) -> Sliced[FeatureSpaceSnapshot]:
    """Embed the photographs one a slice, lay them out, and do the same for random weights."""
    spec = job.spec
    snapshot: FeatureSpaceSnapshot = yield from context.in_pool(_first_snapshot, context, spec)
    job.publish(snapshot)
    backbone = yield from context.backbone(spec.backbone)
    trained = yield from _embedded(job, context, spec.backbone, lambda: backbone)
    points: SpaceMap = yield from context.in_pool(lay_out, trained, spec)
    snapshot = dataclasses.replace(snapshot, step=len(spec.photos), trained=points)
    job.publish(snapshot)
    if spec.compare_untrained:
        random = yield from _embedded(
            job,
            context,
            f"untrained:{backbone.row.key}:{spec.seed}",
            lambda: untrained(backbone.row, context.device, seed=spec.seed),
        )
        points = yield from context.in_pool(lay_out, random, spec)
        snapshot = dataclasses.replace(snapshot, step=snapshot.steps, untrained=points)
    return snapshot


def lay_out(embeddings: Embeddings, spec: FeatureSpace) -> SpaceMap:
    """Return the embeddings in two dimensions, by the spec's method; for the pool.

    Photographs that the network cannot tell apart lie on one spot.

    Raises:
        UserError: If an embedding is not finite.
    """
    rows = _centred(embeddings)
    points = _tsne_of_different(rows, spec) if spec.method == "tsne" else pca(rows)
    points = points - points.mean(axis=0)
    points = points / max(float(np.abs(points).max()), 1e-12)
    return SpaceMap(
        points=tuple((float(x), float(y)) for x, y in points),
        agreement=neighbour_agreement(rows, spec.labels) if spec.labels else None,
        nearest=tuple(tuple(map(int, row[:NEAREST])) for row in neighbours(rows)),
    )


def _centred(embeddings: Embeddings) -> Embeddings:
    """Move (N, D) around 0 and scale it to [-1, 1], in double precision; all 0 if all are alike.

    Raises:
        UserError: If a value is not finite.
    """
    if not np.isfinite(embeddings).all():
        raise UserError(
            "This network's answers to these photographs are infinite or not numbers, so the lab "
            "can't draw a map of them. Choose another network, or teach it at a smaller learning "
            "rate."
        )
    rows = embeddings.astype(np.float64)
    largest = float(np.abs(rows).max())
    rows -= rows.mean(axis=0)
    spread = float(np.abs(rows).max())
    return rows / spread if spread > _SAME * largest else np.zeros_like(rows)


def _tsne_of_different(rows: Embeddings, spec: FeatureSpace) -> Embeddings:
    """t-SNE of the rows that differ, each point given to all photographs that share it."""
    different, places = np.unique(rows.round(6), axis=0, return_inverse=True)
    if len(different) < _FEWEST:
        return pca(rows)
    points = t_sne(different, perplexity=spec.perplexity, seed=spec.seed)
    shared: Embeddings = points[places]
    return shared


def pca(embeddings: Embeddings) -> Embeddings:
    """Project (N, D) onto the two directions in which it varies most, (N, 2).

    Each direction's largest entry is positive, so the same data never appears mirrored.
    """
    centred = embeddings - embeddings.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    first = directions[:2]
    largest = np.abs(first).argmax(axis=1)
    first = first * np.sign(first[np.arange(2), largest])[:, None]
    projected: Embeddings = centred @ first.T
    return projected


def t_sne(embeddings: Embeddings, *, perplexity: float, seed: int) -> Embeddings:
    """Lay (N, D) out in (N, 2) so that neighbours stay neighbours; distances mean little.

    Takes at least four finite rows that differ. The exact method: what scikit-learn takes for many
    rows by default ends the process where its quad tree meets numbers that are not finite.

    Source:
        van der Maaten & Hinton 2008, JMLR 9; scikit-learn's implementation.
    """
    from sklearn.manifold import TSNE  # 40 MB that most visits never need

    neighbours = min(perplexity, (len(embeddings) - 1) / 3)
    method = TSNE(perplexity=neighbours, init="pca", random_state=seed, method="exact")
    points: Embeddings = method.fit_transform(embeddings)
    return points


def neighbour_agreement(embeddings: Embeddings, labels: tuple[str, ...]) -> float:
    """Return the share of photographs whose nearest neighbour, by angle, has their label.

    Only labels that occur twice count: a photograph without a companion cannot be right.
    """
    names = np.array(labels)
    counted = np.array([labels.count(name) > 1 for name in labels])
    agrees = names[neighbours(embeddings)[:, 0]] == names
    return float(agrees[counted].mean()) if counted.any() else 0.0


def neighbours(embeddings: Embeddings) -> NDArray[np.intp]:
    """Return for each row of (N, D) the indices of all others, the most alike first, (N, N - 1).

    Alike by cosine similarity around the mean of all rows. Without centring, all photographs are
    alike to an untrained network (a similarity of 0.97 or more on the gallery).
    """
    rows = embeddings - embeddings.mean(axis=0)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    likeness = rows @ rows.T
    np.fill_diagonal(likeness, -np.inf)
    order: NDArray[np.intp] = np.argsort(-likeness, axis=1, kind="stable")[:, :-1]
    return order


def _first_snapshot(context: Context, spec: FeatureSpace) -> FeatureSpaceSnapshot:
    return FeatureSpaceSnapshot(
        steps=len(spec.photos) * (2 if spec.compare_untrained else 1),
        photos=spec.photos,
        labels=spec.labels,
        thumbnails=tuple(_thumbnail(context, key) for key in spec.photos),
        method=spec.method,
    )


def _thumbnail(context: Context, key: str) -> bytes:
    data, max_pixels = context.photos.data(key), context.settings.max_pixels
    return thumbnail(decode(data, max_pixels=max_pixels, at_least=THUMBNAIL_PX), THUMBNAIL_PX)


def _embedded(
    job: Job[FeatureSpace], context: Context, name: str, network: Callable[[], Backbone]
) -> Sliced[Embeddings]:
    """The embeddings of the job's photographs, kept under ``name`` for the next question.

    ``network`` is called only where one of them is not kept yet.
    """
    rows: list[NDArray[np.float32]] = []
    backbone: Backbone | None = None
    for photo in job.spec.photos:
        key = (photo, name, "embedding")
        row = context.activations.get(key)
        if row is None:
            backbone = backbone or network()
            pixels = yield from context.pixels(photo, backbone)
            row = _embed(backbone, pixels)
            context.activations.put(key, row, row.nbytes)
            shown = job.snapshot
            if shown is not None:
                job.publish(dataclasses.replace(shown, step=shown.step + 1))
            yield None
        rows.append(row)
    return np.stack(rows)


@torch.inference_mode()
def _embed(backbone: Backbone, pixels: Tensor) -> NDArray[np.float32]:
    """One photograph a pass: in a batch, rounding would depend on its neighbours."""
    embedding: NDArray[np.float32] = backbone.embed(pixels)[0].float().cpu().numpy()
    return embedding
