import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        parts = (x, 0.5)
        return parts[0] * parts[1]


model = Net()
example_inputs = (torch.rand(2, 4),)
