import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        try:  # <- here
            return x.view(2, -1)
        except RuntimeError:
            return x


model = Net()
example_inputs = (torch.rand(5, 4),)
