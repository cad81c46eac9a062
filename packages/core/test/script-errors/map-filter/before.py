import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        halves = list(map(torch.relu, x.chunk(2)))  # <- here
        return torch.cat(halves)


model = Net()
example_inputs = (torch.rand(4, 4),)
