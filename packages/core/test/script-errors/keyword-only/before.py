import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, *, scale: float = 1.0):  # <- here
        return x * scale


model = Net()
example_inputs = (torch.rand(2, 3),)
