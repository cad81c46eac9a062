import torch
from torch import nn

from typing import Optional

from torch import Tensor


class Net(nn.Module):
    bias: Optional[Tensor]

    def __init__(self):
        super().__init__()
        self.bias = torch.ones(4)

    def forward(self, x):
        if self.bias is not None:
            return x + self.bias  # <- here
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
