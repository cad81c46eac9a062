import torch
from torch import nn


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(x)


class ScaledHead(Head):
    def forward(self, x):
        return super().forward(x) * 2  # <- here


model = ScaledHead()
example_inputs = (torch.rand(3, 4),)
