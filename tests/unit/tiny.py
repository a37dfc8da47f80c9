"""A tiny network behind the real runner, with a pool that works at once."""

import dataclasses
from concurrent.futures import Future

import pytest
import timm
import torch

from tl_core.backbones.backbone import Backbone, freeze, split_head
from tl_core.backbones.catalogue import CATALOGUE, Stage
from tl_core.backbones.store import BackboneStore
from tl_core.context import Context
from tl_core.datasets.store import DatasetStore
from tl_core.engine.memory import VisitorMemory
from tl_core.engine.pool import Pool
from tl_core.images.photo_store import PhotoStore
from tl_core.settings import Settings

CPU = torch.device("cpu")
TINY = dataclasses.replace(
    CATALOGUE[0],
    key="tiny",
    label="Tiny",
    architecture="test_resnet",
    head="fc",
    input_size=32,
    resize=32,
    stages=(Stage("layer1", "textures"), Stage("layer4", "whole objects")),
)


def tiny_backbone(seed: int = 0, key: str = "tiny", class_count: int = 10) -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = timm.create_model(
            "test_resnet", pretrained=False, num_classes=class_count, zero_init_last=False
        )
        head = split_head(network, "fc")
        torch.nn.init.normal_(head.get_parameter("weight"))  # large enough for distinct answers
    return Backbone(
        key=key,
        label="Tiny",
        row=TINY,
        body=freeze(network),
        head=freeze(head),
        classes=tuple(f"class {i}" for i in range(class_count)),
        device=CPU,
    )


class InlinePool(Pool):
    """Works on the caller's thread, so that tests need no waiting."""

    def submit(self, work, *arguments):
        future = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:  # noqa: BLE001 - a future holds whatever was raised
            future.set_exception(error)
        return future

    def submit_photos(self, work, *arguments):
        return self.submit(work, *arguments)


class BusyPool(InlinePool):
    """Works as the other one; while ``is_busy``, what comes in waits as behind other work."""

    is_busy = False

    def submit(self, work, *arguments):
        return Future() if self.is_busy else super().submit(work, *arguments)


@pytest.fixture
def backbone() -> Backbone:
    return tiny_backbone()


@pytest.fixture
def context(backbone, tmp_path) -> Context:
    settings = Settings(data_dir=tmp_path, weights_dir=tmp_path)
    store = BackboneStore(settings, CPU, catalogue=(TINY,))
    store._loaded.put("tiny", backbone, 0)
    photos = PhotoStore(budget_bytes=2**24, max_pixels=10**6)
    return Context(
        settings,
        CPU,
        store,
        photos,
        DatasetStore(settings),
        InlinePool(),
        VisitorMemory(2**30),
        poll_s=lambda: 0.0,
    )


@pytest.fixture
def every_step_ends_a_slice(monkeypatch):
    monkeypatch.setattr("tl_core.imageopt.runner.SLICE_S", 0.0)
