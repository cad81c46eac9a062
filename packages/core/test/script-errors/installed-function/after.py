import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x.flatten(1, 2)


model = Net()
example_inputs = (torch.rand(5, 4, 2),)
