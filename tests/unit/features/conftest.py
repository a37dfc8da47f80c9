from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.workroom import finish, make_toolbox
from tl_core.backbones.backbone import Backbone
from tl_core.toolbox import Toolbox


@pytest.fixture(scope="session")
def toolbox() -> Iterator[Toolbox]:
    torch.set_num_threads(1)
    box = make_toolbox()
    yield box
    box.pool.close()


@pytest.fixture(scope="session")
def lite0(toolbox: Toolbox) -> Backbone:
    return toolbox.store.load("efficientnet_lite0")


@pytest.fixture(scope="session")
def cat(toolbox: Toolbox, lite0: Backbone) -> Tensor:
    return finish(toolbox.pixels("sample:cat", lite0))
