"""Look inside: feature maps of a photograph, one channel at large, photographs in feature space."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tl_core.errors import UserError
from tl_core.specs.base import Between, Snapshot, Spec, require

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom exclusive
Scale = tuple[float, float]  # the activations drawn darkest and brightest


@dataclass(frozen=True, kw_only=True)
class FeatureMaps(Spec["FeatureMapsSnapshot"]):
    """Show the channels of ``layer`` that a photograph moves most, as one mosaic."""

    photo: str  # key in the photo store
    layer: str = ""  # a stage of the backbone; empty means its first
    channels: Annotated[int, Between(1, 64)] = 16  # strongest first; a layer with fewer shows all
    scale: Scale | None = None  # None: from the shown channels; two mosaics compare on one

    is_quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_scale(self.scale)


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """A layer of a backbone in figures."""

    layer: str
    words: str  # what its channels tend to react to
    shape: tuple[int, int, int]  # channels, height, width
    stride: int  # pixels of the photograph between two neighbouring units
    receptive_field: int  # side of the square one unit sees, in pixels, padding included


@dataclass(frozen=True, kw_only=True)
class Mosaic:
    """A grid of square tiles in one picture, row by row."""

    picture: bytes  # PNG
    channels: tuple[int, ...]  # the channel on each tile, most active first
    columns: int
    tile: int  # side of a tile, in pixels
    gap: int  # between two tiles, in pixels

    @property
    def rows(self) -> int:
        """Rows of tiles; the last may be short."""
        return -(-len(self.channels) // self.columns)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        pitch = self.tile + self.gap
        return self.columns * pitch - self.gap, self.rows * pitch - self.gap

    def box(self, index: int) -> Box:
        """Where tile ``index`` lies in the picture."""
        row, column = divmod(index, self.columns)
        left, top = column * (self.tile + self.gap), row * (self.tile + self.gap)
        return left, top, left + self.tile, top + self.tile


@dataclass(frozen=True, kw_only=True)
class FeatureMapsSnapshot(Snapshot):
    """The mosaic of one layer."""

    facts: LayerFacts
    mosaic: Mosaic
    activities: tuple[float, ...]  # of each tile's channel: standard deviation over the photograph
    scale: Scale  # as drawn
    range: Scale  # least and greatest activation of the whole layer on this photograph


@dataclass(frozen=True, kw_only=True)
class ChannelDetail(Spec["ChannelDetailSnapshot"]):
    """Show one channel at large, where it is strongest, and where on other photographs."""

    photo: str
    layer: str = ""
    channel: Annotated[int, Between(0, 2**16)] = 0
    others: tuple[str, ...] = ()  # keys of further photographs to try the channel on
    scale: Scale | None = None

    is_quick: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_scale(self.scale)


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where a channel is strongest on a photograph, and how much of the photograph it fires on.

    It fires where it is above its own mean over all positions of all photographs compared: this
    separates photographs where the strongest value does not (ReLU6 ends at 6 on most of them).
    """

    value: float  # its activation there
    share: float  # of the positions where it fires, 0 to 1
    mean: float  # activation over all positions
    unit: tuple[int, int]  # row and column in the layer
    point: tuple[float, float]  # x and y of the centre of what the unit sees, in pixels, clipped
    box: Box  # what the unit sees, clipped to the photograph


@dataclass(frozen=True, kw_only=True)
class OtherPhoto:
    """The same channel on another photograph."""

    photo: str
    spot: Spot
    picture: bytes  # JPEG: like the large overlay, on the same scale


@dataclass(frozen=True, kw_only=True)
class ChannelDetailSnapshot(Snapshot):
    """One channel at large; ``others`` grows until ``step`` reaches ``steps``.

    Those come first on which the channel fires on the largest share. With each that comes, the
    shares of all are measured anew.
    """

    facts: LayerFacts
    channel: int
    side: int  # of ``overlay`` and ``photo``, in pixels; spots and boxes count in these
    map: bytes  # PNG, 448 pixels square, every unit a square
    overlay: bytes  # PNG: the photograph under a heat map of the channel, with the spot's box
    photo: bytes  # PNG: the photograph as the network sees it
    spot: Spot
    scale: Scale  # as drawn; without one in the spec, that of the whole layer
    others: tuple[OtherPhoto, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeatureSpace(Spec["FeatureSpaceSnapshot"]):
    """Lay photographs out in two dimensions by what the backbone makes of them."""

    photos: tuple[str, ...]
    labels: tuple[str, ...] = ()  # what each shows, for colours; empty or one a photograph
    method: Literal["pca", "tsne"] = "pca"
    # t-SNE: how many neighbours count; lowered for few photographs
    perplexity: Annotated[float, Between(1, 100)] = 10.0
    compare_untrained: bool = True  # the same for random weights, drawn from ``seed``

    def __post_init__(self) -> None:
        super().__post_init__()
        require(name="photos", value=len(self.photos), low=3, high=1000)
        if self.method not in ("pca", "tsne"):
            raise UserError("method must be pca or tsne, got {value}.", value=self.method)
        if len(self.labels) not in (0, len(self.photos)):
            raise ValueError(f"{len(self.labels)} labels for {len(self.photos)} photos")


@dataclass(frozen=True, kw_only=True)
class SpaceMap:
    """Photographs as points; neighbours look alike to the network."""

    points: tuple[tuple[float, float], ...]  # x, y in [-1, 1], in the order of the photographs
    agreement: float | None  # share whose nearest neighbour *in the embedding* has their label
    # for each photograph the indices of the three most alike in the embedding, nearest first
    nearest: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class FeatureSpaceSnapshot(Snapshot):
    """The map of the trained network and, where asked for, that of an untrained one."""

    photos: tuple[str, ...]
    labels: tuple[str, ...]
    thumbnails: tuple[bytes, ...]  # JPEG
    method: str
    trained: SpaceMap | None = None  # None until the embeddings are there
    untrained: SpaceMap | None = None


def _check_scale(scale: Sequence[float] | None) -> None:
    if scale is not None and not (len(scale) == 2 and scale[0] < scale[1]):
        raise UserError("scale must be two numbers, the smaller first, got {value}.", value=scale)
