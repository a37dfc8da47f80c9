"""From scratch: the same network, from random weights that know nothing."""

import copy
import math
import time

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize, ToTensor

# What you chose
per_class, epochs, learning_rate, seed = 100, 10, 1e-3, 0

# The network, from random weights
import timm
torch.manual_seed(seed)
net = timm.create_model("tf_efficientnet_lite0").eval()
mean = torch.tensor([0.4980392156862745, 0.4980392156862745, 0.4980392156862745]).view(3, 1, 1)
std = torch.tensor([0.5019607843137255, 0.5019607843137255, 0.5019607843137255]).view(3, 1, 1)

net.set_submodule("classifier", torch.nn.Identity())  # what comes out now describes the picture

# Batch norm measures four random pictures first, or next to nothing would arrive at the end
norms = [layer for layer in net.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
coarse = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
pictures = torch.nn.functional.interpolate(coarse, (224, 224), mode="bilinear")
torch.optim.swa_utils.update_bn([(pictures - mean) / std], net)

# The photographs: a list of pictures and their labels, for training and for validation
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

dots, labels = load_digits(return_X_y=True)
greys = (dots * 15.9375).astype(np.uint8).reshape(-1, 8, 8)
pictures = [Image.fromarray(grey).convert("RGB") for grey in greys]
parts = train_test_split(pictures, labels, test_size=0.3, random_state=0, stratify=labels)
train, valid, train_labels, valid_labels = parts


def seen(pictures):
    # as the network sees them; all are kept in memory, 0.6 MB each
    look = Compose([Resize(256, InterpolationMode.BICUBIC), CenterCrop(224), ToTensor()])
    return torch.stack([(look(picture) - mean) / std for picture in pictures])


@torch.no_grad()
def judged(model, valid_x):
    for norm in norms:
        norm.eval()
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
        for norm in norms:
            norm.train()
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
head = torch.nn.Linear(net(x[:1]).shape[1], len(set(train_labels)))
torch.manual_seed(seed)
torch.nn.init.uniform_(head.weight, -(head.in_features**-0.5), head.in_features**-0.5)
torch.nn.init.zeros_(head.bias)
whole = torch.nn.Sequential(net, head)
best, losses = learn(whole, x, valid_x, whole.parameters(), learning_rate, epochs)
