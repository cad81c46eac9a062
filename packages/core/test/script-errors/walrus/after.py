import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        n = x.size(0)
        if n > 2:
            x = x / n
        return x


model = Net()
example_inputs = (torch.rand(5, 4),)
