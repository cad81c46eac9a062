import torch
from torch import nn


class Net(nn.Module):
    def scaled(self, x, scale: float):
        return x * scale

    def forward(self, x):
        options = {"scale": 2.0}
        return self.scaled(x, **options)  # <- here


model = Net()
example_inputs = (torch.rand(2, 4),)
