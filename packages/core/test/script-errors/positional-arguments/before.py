import torch
from torch import nn


class Net(nn.Module):
    def forward(self, *xs):  # <- here
        return torch.cat(xs)


model = Net()
example_inputs = (torch.rand(2, 3),)
