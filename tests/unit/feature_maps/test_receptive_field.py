import pytest
import torch
from torch import nn

from tl_core.backbones.build import new_network
from tl_core.backbones.catalogue import CATALOGUE, BackboneRow
from tl_core.feature_maps.receptive_field import FieldTracker, ReceptiveField, receptive_fields
from tl_core.specs.feature_maps import Box
from tl_core.training.initial import pixels_row

Unit = tuple[int, int]
ROWS = {row.key: row for row in CATALOGUE}
ROWS |= {f"pixels of {key}": pixels_row(row) for key, row in ROWS.items()}


def _linear_network(row: BackboneRow) -> nn.Module:
    """The row's architecture in which every path from pixel to unit adds a positive amount.

    Mean pooling stands in for max pooling, whose gradient reaches one pixel of each window only.
    """
    with torch.device("meta"):
        network = new_network(row).eval()
    network.to_empty(device="cpu").requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.fill_(1 / module.weight[0].numel())
            if module.bias is not None:
                module.bias.zero_()
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding)
                setattr(module, name, pool)
    return network


def _boxes_by_gradient(row: BackboneRow, layer: str, units: list[Unit]) -> list[Box]:
    network = _linear_network(row)
    seen: list[torch.Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda *call: seen.append(call[2].clone()))
    # small, so that nothing reaches ReLU6's ceiling
    pixels = torch.full((1, 3, row.input_size, row.input_size), 1e-6).requires_grad_()
    network(pixels)
    return [_reached(seen[0][0, :, *unit].sum(), pixels) for unit in units]


def _reached(value: torch.Tensor, pixels: torch.Tensor) -> Box:
    (gradient,) = torch.autograd.grad(value, pixels, retain_graph=True)
    rows, columns = gradient[0].sum(0).nonzero(as_tuple=True)
    edges = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    left, top, right, bottom = map(int, edges)
    return left, top, right, bottom


@pytest.mark.parametrize(
    ("key", "layer", "side"),
    [
        ("vgg16", "features.13", 56),
        ("vgg16", "features.29", 14),
        ("resnet18", "layer2.1", 28),
        ("resnet50", "layer2.0", 28),
        ("mobilenet_v2", "features.5", 28),
        ("efficientnet_lite0", "bn1", 112),
        ("efficientnet_lite0", "blocks.2.0", 28),
        ("efficientnet_lite0", "blocks.3.2", 14),
        ("pixels of efficientnet_lite2", "0", 32),  # 8.125 pixels to a unit
    ],
)
def test_the_box_is_the_region_that_gradients_find(key: str, layer: str, side: int):
    row = ROWS[key]
    field = receptive_fields(row)[layer]
    units = [(side // 2, side // 2), (0, 1), (side - 1, side // 3)]
    found = _boxes_by_gradient(row, layer, units)
    assert [field.box(*unit, row.input_size) for unit in units] == found


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.key)
def test_every_stage_has_a_field_that_grows_with_depth(row: BackboneRow):
    fields = receptive_fields(row)
    assert list(fields) == [stage.layer for stage in row.stages]
    sizes = [field.size for field in fields.values()]
    assert sizes == sorted(sizes)


def test_published_sizes_are_met():
    # Araujo et al. 2019 give 212 behind VGG-16's last pool, which is 16 more than before it
    assert receptive_fields(ROWS["vgg16"])["features.29"].size == 196
    assert receptive_fields(ROWS["resnet18"])["layer4.1"].size == 435
    assert receptive_fields(ROWS["mobilenet_v2"])["features.18"].size == 491


def test_branches_of_unequal_stride_are_refused():
    with pytest.raises(ValueError, match="strides 1 and 2"):
        ReceptiveField(1, 0, 0).union(ReceptiveField(2, 0, 2))


def test_branches_that_are_put_side_by_side_see_what_both_see():
    picture = torch.empty(1, 3, 32, 32, device="meta")
    wide = nn.Conv2d(3, 2, 5, padding=2, device="meta")
    with FieldTracker(picture) as tracker, torch.no_grad():
        both = torch.cat([wide(picture), picture], 1)
        smaller = nn.AvgPool2d(2, ceil_mode=True)(both)
        larger = nn.Upsample(scale_factor=2)(smaller)
    assert tracker.field_of(both) == ReceptiveField(1, -2, 2)
    assert tracker.field_of(smaller) == ReceptiveField(2, -2, 3)
    assert tracker.field_of(larger) is None  # no field is better than a wrong one
