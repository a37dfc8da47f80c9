import pytest
import torch
import torchvision

from tl_core.backbones.build import channel_counts, new_network
from tl_core.backbones.catalogue import CATALOGUE, DownloadableWeights

everyone = pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.key)
downloaded = pytest.mark.parametrize(
    "row",
    [row for row in CATALOGUE if isinstance(row.source, DownloadableWeights)],
    ids=lambda row: row.key,
)


def test_keys_and_labels_are_unique():
    assert len({row.key for row in CATALOGUE}) == len({row.label for row in CATALOGUE}) == 9


@everyone
def test_every_stage_and_the_head_exist_in_the_built_network(row):
    with torch.device("meta"):
        network = new_network(row)
    names = dict(network.named_modules())
    assert all(stage.layer in names for stage in row.stages)
    assert isinstance(names[row.head], torch.nn.Linear)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert parameters / 1e6 == pytest.approx(row.parameters_m, abs=0.006)


@everyone
def test_every_stage_has_its_number_of_channels_without_weights(row):
    counts = channel_counts(row)
    assert list(counts) == [stage.layer for stage in row.stages]
    published = {"vgg16": 512, "vgg19": 512, "resnet18": 512, "resnet50": 2048}
    published |= {"mobilenet_v2": 1280, "mobilenet_v3_large": 960}
    assert list(counts.values())[-1] == published.get(row.key, 1280)


@downloaded
def test_a_row_agrees_with_what_torchvision_publishes(row):
    weights = next(iter(torchvision.models.get_model_weights(row.architecture)))
    assert row.source.url == weights.url
    assert row.source.size_mb == pytest.approx(weights.meta["_file_size"], abs=0.001)
    assert row.gflops == pytest.approx(weights.meta["_ops"], abs=0.001)
    assert row.top1 == pytest.approx(weights.meta["_metrics"]["ImageNet-1K"]["acc@1"], abs=0.01)
    transform = weights.transforms()
    assert (transform.crop_size, transform.resize_size) == ([row.input_size], [row.resize])
    assert (tuple(transform.mean), tuple(transform.std)) == (row.mean, row.std)
