import torch
from torch import nn

from typing import Optional

from torch import Tensor


class Net(nn.Module):
    def forward(self, x, mask: Optional[Tensor] = None):
        if mask:  # <- here
            x = x * mask
        return x


model = Net()
example_inputs = (torch.rand(2, 4), torch.tensor([2.0]))
