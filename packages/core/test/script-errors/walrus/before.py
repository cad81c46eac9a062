import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        if (n := x.size(0)) > 2:  # <- here
            x = x / n
        return x


model = Net()
example_inputs = (torch.rand(5, 4),)
