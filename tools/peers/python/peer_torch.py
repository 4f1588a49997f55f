"""The workload in PyTorch: peer_torch.py DATA_DIR EPOCHS BATCH {eager|compile}"""

import sys
import time

import torch
from torch import nn

from cifar import TRAIN, load, peak_memory_mb, say

folder, epochs, batch, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.manual_seed(0)
images, labels = (torch.from_numpy(array) for array in load(folder))

network = nn.Sequential(
    nn.Linear(3072, 512), nn.ELU(), nn.Linear(512, 256), nn.Tanh(), nn.Linear(256, 128), nn.ELU(), nn.Linear(128, 10)
)
for layer in network:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
forward = torch.compile(network) if mode == "compile" else network
loss_of = nn.CrossEntropyLoss()
adam = torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7, fused=True)

for epoch in range(1, epochs + 1):
    start, loss_sum, hits = time.perf_counter(), 0.0, 0
    order = torch.randperm(TRAIN)
    for rows in order.split(batch):
        x, y = images[rows], labels[rows]
        adam.zero_grad(set_to_none=True)
        logits = forward(x)
        loss = loss_of(logits, y)
        loss.backward()
        adam.step()
        loss_sum += loss.detach() * len(rows)
        hits += (logits.detach().argmax(1) == y).sum()
    loss, accuracy = float(loss_sum) / TRAIN, int(hits) / TRAIN
    say(epoch=epoch, seconds=time.perf_counter() - start, loss=loss, accuracy=accuracy)
say(peak_memory_mb=peak_memory_mb())
