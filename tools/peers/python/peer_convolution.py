"""The convolutions in PyTorch: peer_convolution.py DATA_DIR EPOCHS BATCH WIDTHS ACTIVATION, as in 32,64,64 relu"""

import sys
import time

import torch
from torch import nn

from cifar import load, peak_memory_mb, say

IMAGES = 5_000
folder, epochs, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
widths = [int(width) for width in sys.argv[4].split(",")]
activation = {"relu": nn.ReLU, "gelu": nn.GELU}[sys.argv[5]]
torch.manual_seed(0)
images, labels = (torch.from_numpy(array[:IMAGES]) for array in load(folder))
# The images lie with their channels last; so they stay, which is PyTorch's quicker layout on processors.
images = images.reshape(-1, 32, 32, 3).permute(0, 3, 1, 2)


def group(before, filters):
    """Two convolutions without biases, each with batch normalization, and pooling between."""
    first = nn.Conv2d(before, filters, 3, padding=1, bias=False)
    second = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
    norms = [nn.BatchNorm2d(filters), nn.BatchNorm2d(filters)]
    for norm in norms:
        norm.weight.requires_grad_(False)
    return first, nn.MaxPool2d(2), norms[0], activation(), second, norms[1], activation()


patches = nn.Conv2d(3, 24, 2).requires_grad_(False)
groups = [layer for pair in zip([24, *widths], widths) for layer in group(*pair)]
network = nn.Sequential(patches, activation(), *groups, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(widths[-1], 10))
network = network.to(memory_format=torch.channels_last)
loss_of = nn.CrossEntropyLoss(label_smoothing=0.2)
trained = [array for array in network.parameters() if array.requires_grad]
sgd = torch.optim.SGD(trained, 0.1, momentum=0.85, nesterov=True, fused=True)

for epoch in range(1, epochs + 1):
    start, loss_sum = time.perf_counter(), 0.0
    for rows in torch.randperm(IMAGES).split(batch):
        x = images[rows].contiguous(memory_format=torch.channels_last)
        sgd.zero_grad(set_to_none=True)
        loss = loss_of(network(x), labels[rows])
        loss.backward()
        sgd.step()
        loss_sum += float(loss.detach()) * len(rows)
    say(epoch=epoch, seconds=time.perf_counter() - start, loss=loss_sum / IMAGES)
say(peak_memory_mb=peak_memory_mb())
