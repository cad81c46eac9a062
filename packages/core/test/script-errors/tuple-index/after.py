import torch
from torch import nn

from typing import Tuple

from torch import Tensor


class Net(nn.Module):
    def forward(self, x, pair: Tuple[Tensor, int]):
        x = x + pair[0]
        return x


model = Net()
example_inputs = (torch.rand(2, 4), (torch.rand(4), 2))
