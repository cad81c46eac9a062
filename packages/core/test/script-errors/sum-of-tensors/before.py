from typing import List

import torch
from torch import nn


class Net(nn.Module):
    def forward(self, xs: List[torch.Tensor]):
        return sum(xs)  # <- here


model = Net()
example_inputs = ([torch.rand(2, 4), torch.rand(2, 4)],)
