import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        scaled = lambda v: v * 2  # <- here
        return scaled(x)


model = Net()
example_inputs = (torch.rand(5, 4),)
