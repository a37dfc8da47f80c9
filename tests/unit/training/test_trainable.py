from typing import Any

import pytest
import torch
import torch.nn.functional as F

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.context import Context
from tl_core.training.initial import measure_batch_norms
from tl_core.training.sharing import layers_from
from tl_core.training.trainable import TrainableModel, activations_before

CPU = torch.device("cpu")
ROWS = {row.key: row for row in CATALOGUE}
SMALL = ["efficientnet_lite0", "mobilenet_v2", "mobilenet_v3_large", "resnet18"]


@pytest.fixture
def tiny(context: Context) -> Backbone:
    return context.backbones.load("tiny")


def inputs(backbone: Backbone, count: int = 2) -> torch.Tensor:
    size = backbone.input_size
    pixels = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))
    return backbone.normalise(pixels)


def learn(model: TrainableModel, taken: torch.Tensor) -> None:
    model.logits(taken).logsumexp(1).sum().backward()


@pytest.mark.parametrize("key", SMALL)
def test_stem_and_tail_together_are_the_body(key: str) -> None:
    backbone = untrained(ROWS[key], CPU, seed=0)
    cut = backbone.row.last_block
    with torch.no_grad():
        whole = backbone.body(inputs(backbone))
        parts = layers_from(backbone.body, cut)(
            activations_before(backbone.body, cut, inputs(backbone))
        )
    torch.testing.assert_close(parts, whole)


@pytest.mark.parametrize("trains_batch_norm", [False, True])
@pytest.mark.parametrize("unfrozen", ["head", "last block", "all"])
def test_gradient_reaches_exactly_the_unfrozen_parameters(
    tiny: Backbone, unfrozen: Any, trains_batch_norm: bool
) -> None:
    model = TrainableModel(
        tiny,
        ("a", "b"),
        unfrozen=unfrozen,
        trains_batch_norm=trains_batch_norm,
        seed=0,
    )
    torch.nn.init.ones_(model.head.weight)
    torch.nn.init.eye_(model.head.weight)
    learn(model, model.frozen_layers(inputs(tiny, 4)))
    names = {name for name, p in model.body.named_parameters() if p.grad is not None}
    norms = {
        f"{name}.{kind}"
        for name, m in tiny.body.named_modules()
        if isinstance(m, torch.nn.BatchNorm2d)
        for kind in ("weight", "bias")
    }
    expected = {
        "head": set(),
        "last block": {n for n, _ in tiny.body.named_parameters() if n.startswith("layer4")},
        "all": {n for n, _ in tiny.body.named_parameters()},
    }[unfrozen]
    assert names == (expected if trains_batch_norm else expected - norms)
    assert model.head.weight.grad is not None
    counted = sum(p.numel() for n, p in model.body.named_parameters() if n in names)
    assert model.trainable_parameters == counted + 2 * tiny.embedding_size + 2


@pytest.mark.parametrize("unfrozen", ["last block", "all"])
def test_frozen_batch_norm_statistics_do_not_move(tiny: Backbone, unfrozen: str) -> None:
    model = TrainableModel(tiny, ("a", "b"), unfrozen=unfrozen, trains_batch_norm=False, seed=0)  # type: ignore[arg-type]
    before = {n: b.clone() for n, b in model.body.named_buffers()}
    learn(model, model.frozen_layers(inputs(tiny, 4)))
    assert all(torch.equal(b, before[n]) for n, b in model.body.named_buffers())


def test_only_unfrozen_batch_norm_statistics_move(tiny: Backbone) -> None:
    model = TrainableModel(tiny, ("a", "b"), unfrozen="last block", trains_batch_norm=True, seed=0)
    before = {n: b.clone() for n, b in model.body.named_buffers()}
    learn(model, model.frozen_layers(inputs(tiny, 4)))
    moved = {n for n, b in model.body.named_buffers() if not torch.equal(b, before[n])}
    assert moved
    assert all(name.startswith("layer4") for name in moved)


def test_frozen_tensors_are_shared_and_not_counted(tiny: Backbone) -> None:
    head = TrainableModel(tiny, ("a", "b"), unfrozen="head", trains_batch_norm=False, seed=0)
    assert head.body is tiny.body
    assert head.size_bytes == 4 * (2 * tiny.embedding_size + 2)
    block = TrainableModel(tiny, ("a", "b"), unfrozen="last block", trains_batch_norm=False, seed=0)
    own = {p.data_ptr() for p in tiny.body.parameters()}
    names = [n for n, p in block.body.named_parameters() if p.data_ptr() not in own]
    assert names
    assert all(name.startswith("layer4") for name in names)


def test_restoring_a_state_takes_back_every_change(tiny: Backbone) -> None:
    model = TrainableModel(tiny, ("a", "b"), unfrozen="all", trains_batch_norm=True, seed=0)
    state = model.state()
    before = {k: v.clone() for k, v in model.body.state_dict().items()}
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    learn(model, inputs(tiny, 4))
    optimiser.step()
    model.restore(state)
    assert all(torch.equal(v, before[k]) for k, v in model.body.state_dict().items())


def test_micro_batches_add_up_to_the_batchs_gradient(tiny: Backbone) -> None:
    labels = torch.tensor([0, 1, 1, 0, 1])
    gradients = []
    for size in (5, 2):
        model = TrainableModel(tiny, ("a", "b"), unfrozen="all", trains_batch_norm=False, seed=0)
        pieces = zip(inputs(tiny, 5).split(size), labels.split(size), strict=True)
        for taken, truth in pieces:
            loss = F.cross_entropy(model.logits(taken), truth, reduction="sum") / 5
            loss.backward()
        gradients.append([p.grad for p in model.parameters()])
    for whole, added in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, added, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("key", SMALL)
def test_something_arrives_at_the_end_of_a_random_network(key: str) -> None:
    backbone = untrained(ROWS[key], CPU, seed=0)
    measure_batch_norms(backbone, 0)
    with torch.no_grad():
        embedding = backbone.embed(torch.rand(2, 3, 224, 224))
    assert 0.01 < float(embedding.std()) < 1000  # half precision ends at 65,504
    assert not any(module.training for module in backbone.body.modules())
