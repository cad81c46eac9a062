import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return self.scaled(x)

    def scaled(self, v):
        return v * 2


model = Net()
example_inputs = (torch.rand(5, 4),)
