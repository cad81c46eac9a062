import torch
from torch import nn

from functools import partial


def scaled(x, scale: float):
    return x * scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scaled = partial(scaled, scale=2.0)

    def forward(self, x):
        return self.scaled(x)  # <- here


model = Net()
example_inputs = (torch.rand(2, 4),)
