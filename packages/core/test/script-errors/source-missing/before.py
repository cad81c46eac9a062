import torch
from torch import nn


exec("def double(x):\n    return x * 2")


class Net(nn.Module):
    def forward(self, x):
        return double(x)  # <- here


model = Net()
example_inputs = (torch.rand(2, 4),)
