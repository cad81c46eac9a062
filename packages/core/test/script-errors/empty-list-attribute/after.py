from typing import List

import torch
from torch import nn


class Net(nn.Module):
    rates: List[float]

    def __init__(self):
        super().__init__()
        self.rates = []
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        for rate in self.rates:
            x = x * rate
        return self.linear(x)


model = Net()
example_inputs = (torch.rand(5, 4),)
