import dataclasses
import gc
import logging
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from tests.unit.tiny import tiny_backbone
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import untrained
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.backbones.store import BackboneStore
from tl_core.imageopt import step
from tl_core.imageopt.augment import AffineViews
from tl_core.imageopt.frozen import function, onednn
from tl_core.imageopt.frozen.function import answers, frozen_body, quick_logits
from tl_core.imageopt.frozen.layers import Clamp
from tl_core.imageopt.frozen.onednn import Kernel, Prepared, plain
from tl_core.imageopt.frozen.program import Program
from tl_core.imageopt.step import PassInputs
from tl_core.machine.device import autocast_bf16
from tl_core.settings import Settings

CPU = torch.device("cpu")
ROWS = {row.key: row for row in CATALOGUE}
SIDE = 100  # 50, 25, 13, 7, 4: padded on one side, on both, and not at all


def backbone_of(key: str) -> Backbone:
    """A real network where its weights are packaged, for small pictures."""
    is_packaged = key.startswith("efficientnet")
    store = BackboneStore(Settings.from_env(), CPU)
    found = store.load(key) if is_packaged else untrained(ROWS[key], CPU, seed=0)
    return dataclasses.replace(found, row=dataclasses.replace(found.row, input_size=SIDE)).folded


def pictures(count: int, side: int = SIDE) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def output_and_gradient(backbone: Backbone, *, is_bf16: bool) -> tuple[torch.Tensor, ...]:
    """Logits, statistics and gradient of two pictures with different residual factors."""
    inputs = PassInputs(
        rows=slice(0, 2),
        terms=("logit", "statistics"),
        weights=torch.ones(2, 3),
        tv_reference=None,
        owners=torch.arange(2),
        shares=torch.ones(2, 1),
        target_weights=torch.eye(len(backbone.classes))[:2],
        channels=(None, None),
        residual_factors=torch.tensor([1.0, 0.5]),
        views=AffineViews(None, None),
        transforms=(),
        noise=None,
        is_bf16=is_bf16,
    )
    pixels = pictures(2, backbone.input_size).requires_grad_()
    output = step.network_output(backbone, inputs, pixels)
    loss = output.logits.square().sum() + 0.01 * (output.statistics * torch.tensor([1.0, 2])).sum()
    return output.logits.detach(), output.statistics.detach(), torch.autograd.grad(loss, pixels)[0]


def both_ways(backbone, monkeypatch, *, is_bf16):
    fast = output_and_gradient(backbone, is_bf16=is_bf16)
    assert None not in function._BODIES[(backbone.in_bf16 if is_bf16 else backbone).body].values()
    with monkeypatch.context() as patch:
        patch.setattr(step, "frozen_body", lambda *_, **__: None)
        return fast, output_and_gradient(backbone, is_bf16=is_bf16)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return ((one - other).norm() / other.norm()).item()


@pytest.mark.parametrize("key", ROWS)
def test_the_fast_way_gives_autograds_answers_and_gradient(key, monkeypatch):
    fast, slow = both_ways(backbone_of(key), monkeypatch, is_bf16=False)
    for ours, theirs in zip(fast, slow, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3 * theirs.abs().max().item())
    assert distance(fast[2], slow[2]) < 1e-4


@pytest.mark.parametrize("key", ["efficientnet_lite0", "mobilenet_v3_large", "resnet18"])
def test_in_half_precision_it_differs_by_rounding(key, monkeypatch):
    backbone = backbone_of(key)
    fast, slow = both_ways(backbone, monkeypatch, is_bf16=True)
    exact = output_and_gradient(backbone, is_bf16=False)
    for ours, theirs, true in zip(fast, slow, exact, strict=True):
        assert distance(ours, true) <= 1.5 * distance(theirs, true) + 0.01


@pytest.mark.parametrize("is_bf16", [False, True])
def test_pictures_on_their_way_are_seen_as_precisely_as_their_steps(is_bf16):
    backbone = backbone_of("efficientnet_lite0")
    with torch.no_grad():
        exact = backbone.logits(pictures(3))
        with autocast_bf16(CPU, enabled=is_bf16):
            like_autocast = backbone.logits(pictures(3))
    quick = quick_logits(backbone, pictures(3), is_bf16=is_bf16)
    assert distance(quick, exact) <= 1.5 * distance(like_autocast, exact) + 1e-5


def test_each_picture_is_on_its_own():
    backbone = tiny_backbone().folded
    frozen = frozen_body(backbone, with_statistics=True)
    pixels = pictures(3, 32)
    together = answers(backbone, frozen, pixels, None)
    alone = [answers(backbone, frozen, one[None], None) for one in pixels]
    for index, found in enumerate(together):
        torch.testing.assert_close(found, torch.cat([one[index] for one in alone]))


def test_nothing_is_measured_where_no_statistics_are_asked_for():
    backbone = tiny_backbone().folded
    frozen = frozen_body(backbone, with_statistics=False)
    assert frozen.usual is None
    assert answers(backbone, frozen, pictures(2, 32), None)[1].tolist() == [0.0, 0.0]


class Branching(nn.Module):
    """A body whose calls depend on numbers, which nobody can read in advance."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, maps):
        return self.body(maps) if maps.sum() > 0 else self.body(-maps)


def test_what_cannot_be_read_goes_the_plain_way_and_is_logged_once(caplog):
    backbone = tiny_backbone()
    backbone = dataclasses.replace(backbone, body=Branching(backbone.folded.body))
    with caplog.at_level(logging.WARNING):
        assert frozen_body(backbone, with_statistics=False) is None
        assert frozen_body(backbone, with_statistics=False) is None
    assert [record.message for record in caplog.records] == ["tiny has no fast way"]
    logits, _, gradient = output_and_gradient(backbone, is_bf16=False)
    assert torch.equal(logits, backbone.logits(pictures(2, 32)))
    assert gradient.abs().max() > 0


class Counting(nn.Module):
    """A body that answers differently at each call."""

    calls = 0

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, maps):
        self.calls += 1
        return self.body(maps) * self.calls


def test_while_a_body_is_read_another_thread_asks_networks_as_ever():
    first, other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 2, 3)

    class Meanwhile(nn.Module):
        def forward(self, maps):
            with ThreadPoolExecutor(1) as thread:
                self.found = thread.submit(lambda: (other(pictures(1)), first.weight)).result()
            return maps

    body = nn.Sequential(first, Meanwhile())
    weight = first.weight
    Program(body, pictures(1), ends=set(), largest=0)
    answer, parameter = body[1].found
    torch.testing.assert_close(answer, other(pictures(1)))
    assert parameter is weight


def test_a_fast_way_with_other_answers_is_not_taken(caplog):
    backbone = tiny_backbone()
    backbone = dataclasses.replace(backbone, body=Counting(backbone.folded.body))
    assert frozen_body(backbone, with_statistics=False) is None
    assert "changed the answers" in caplog.text


def test_norms_that_could_not_be_folded_are_left_to_autograd():
    assert frozen_body(tiny_backbone(), with_statistics=True) is None


def test_short_memory_while_it_is_made_is_no_verdict(monkeypatch):
    backbone = tiny_backbone().folded
    with monkeypatch.context() as patch:
        patch.setattr(function, "Program", no_memory)
        with pytest.raises(MemoryError):
            frozen_body(backbone, with_statistics=True)
    assert frozen_body(backbone, with_statistics=True) is not None


def no_memory(*_):
    raise MemoryError


def test_networks_with_one_body_share_it_and_it_goes_with_the_body():
    backbone = tiny_backbone().folded
    frozen = frozen_body(backbone, with_statistics=True)
    other = dataclasses.replace(backbone, head=nn.Linear(backbone.embedding_size, 2))
    assert frozen_body(other, with_statistics=True) is frozen
    gone = weakref.ref(frozen)
    del backbone, other, frozen
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("clamp", [None, Clamp(), Clamp(6.0)])
@pytest.mark.parametrize("is_there", [True, False])
def test_prepared_kernels_give_the_answers_of_plain_ones(dtype, clamp, is_there, monkeypatch):
    if not is_there:
        monkeypatch.setattr(onednn, "is_there", lambda _dtype: False)
    maps = (8 * pictures(6, 9) - 4).view(2, 9, 9, 9).to(dtype)
    maps = maps.contiguous(memory_format=torch.channels_last)
    kernel = Kernel(torch.rand(18, 9, 3, 3).sub(0.4).to(dtype), None, 2, 1, 1)
    before = maps.clone()
    found, expected = Prepared(kernel, 9)(maps, clamp), plain(kernel, maps, clamp)
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.05)
    assert torch.equal(maps, before)


def test_this_torch_fuses_convolutions_and_another_is_asked_in_vain(monkeypatch, caplog):
    assert onednn.is_there(torch.float32)
    monkeypatch.setattr(onednn, "_laid_out", lambda *_: torch.ops.mkldnn.gone_from_torch)
    onednn.is_there.cache_clear()
    assert not onednn.is_there(torch.float32)
    assert "not fused with this torch" in caplog.text
    onednn.is_there.cache_clear()
