import torch
from torch import nn


class Net(nn.Module):
    def scaled(self, x, scale: float):
        return x * scale

    def forward(self, x):
        return self.scaled(x, scale=2.0)


model = Net()
example_inputs = (torch.rand(2, 4),)
