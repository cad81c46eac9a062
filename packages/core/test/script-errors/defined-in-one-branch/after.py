import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        y = x
        if x.sum() > 0:
            y = x * 2
        return y


model = Net()
example_inputs = (torch.rand(3, 4),)
