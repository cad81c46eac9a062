import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, **kwargs):  # <- here
        return x * kwargs.get("scale", 1.0)


model = Net()
example_inputs = (torch.rand(2, 4),)
