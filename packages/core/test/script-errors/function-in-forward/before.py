import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        def scaled(v):  # <- here
            return v * 2
        return scaled(x)


model = Net()
example_inputs = (torch.rand(5, 4),)
