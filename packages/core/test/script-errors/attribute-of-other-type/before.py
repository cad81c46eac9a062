import torch
from torch import nn

import math


class Config:
    def __init__(self, *parts):
        self.width = sum(parts)


class Net(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.linear = nn.Linear(config.width, 2)

    def forward(self, x):
        return self.linear(x) / math.sqrt(self.config.width)  # <- here


model = Net(Config(2, 2))
example_inputs = (torch.rand(3, 4),)
