import torch
from torch import nn

from typing import Sequence


class Net(nn.Module):
    def forward(self, x, sizes: Sequence[int]):  # <- here
        return x.reshape(sizes)


model = Net()
example_inputs = (torch.rand(2, 4), [4, 2])
