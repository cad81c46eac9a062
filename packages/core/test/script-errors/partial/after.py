import torch
from torch import nn


def scaled(x, scale: float):
    return x * scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = 2.0

    def forward(self, x):
        return scaled(x, self.scale)


model = Net()
example_inputs = (torch.rand(2, 4),)
