import torch
from torch import nn

import contextlib


class Net(nn.Module):
    def forward(self, x):
        with contextlib.nullcontext():  # <- here
            x = x * 2
        return x


model = Net()
example_inputs = (torch.rand(5, 4),)
