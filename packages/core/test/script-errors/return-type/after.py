from typing import Tuple

import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x) -> Tuple[torch.Tensor, torch.Tensor]:
        values, indices = x.max(1)
        return values, indices


model = Net()
example_inputs = (torch.rand(2, 4),)
