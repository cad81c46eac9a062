import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        bias, power = x.mean(), 2
        return x + bias


model = Net()
example_inputs = (torch.rand(2, 4),)
