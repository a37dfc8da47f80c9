"""EfficientNet-Lite0 itself, once for all tests of a folder."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.handler import finish, make_context
from tl_core.backbones.backbone import Backbone
from tl_core.context import Context


@pytest.fixture(scope="session")
def context() -> Iterator[Context]:
    torch.set_num_threads(1)
    box = make_context()
    yield box
    box.pool.close()


@pytest.fixture(scope="session")
def lite0(context: Context) -> Backbone:
    return context.backbones.load("efficientnet_lite0")


@pytest.fixture(scope="session")
def cat(context: Context, lite0: Backbone) -> Tensor:
    return finish(context.pixels("sample:cat", lite0))
