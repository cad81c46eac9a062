import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, k: int):
        return x * k


model = Net()
example_inputs = (torch.rand(2, 4), 3)
