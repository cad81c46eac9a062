import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        if x.sum() > 0:  # <- here
            y = x * 2
        return y


model = Net()
example_inputs = (torch.rand(3, 4),)
