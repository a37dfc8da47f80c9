"""The speed of drawing without the app, as JSON: ``python -m tests.load.bare``."""

import json

import torch

from tests.bench.ideal import DRAWN_ON, speed
from tl_core.backbones.store import BackboneStore
from tl_core.machine.process_memory import keep_freed_memory
from tl_core.settings import Settings

if __name__ == "__main__":
    keep_freed_memory()
    store = BackboneStore(Settings.from_env(), torch.device("cpu"))
    print(json.dumps(speed(store.load(DRAWN_ON), 40)))
