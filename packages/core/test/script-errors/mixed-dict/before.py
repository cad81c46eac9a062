import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        options = {"bias": x.mean(), "power": 2}
        return x + options["bias"]  # <- here


model = Net()
example_inputs = (torch.rand(2, 4),)
