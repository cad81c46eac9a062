import torch
from torch import nn


class Box:
    def __init__(self, size: int):
        self.size = size

    def area(self):
        return self.size * self.size


class Net(nn.Module):
    def forward(self, x):
        return x * Box(3).area()


model = Net()
example_inputs = (torch.rand(2, 4),)
