import torch
from torch import nn

from typing import Optional


class Net(nn.Module):
    def forward(self, x, scale: Optional[float] = None):
        if scale is None:
            scale = 1.0
        return x * scale


model = Net()
example_inputs = (torch.rand(2, 4), 2.0)
