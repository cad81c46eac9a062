from typing import Optional

import torch
from torch import nn

method = "run"


class Net(nn.Module):
    def forward(self, x, mask: Optional[torch.Tensor] = None):
        if mask is not None:
            x = x * mask
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
