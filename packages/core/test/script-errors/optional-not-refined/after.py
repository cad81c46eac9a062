import torch
from torch import nn

from typing import Optional

from torch import Tensor


class Net(nn.Module):
    def forward(self, x, mask: Optional[Tensor] = None):
        assert mask is not None
        width = mask.size(-1)
        return x[:, :width]


model = Net()
example_inputs = (torch.rand(2, 4), torch.ones(2, 3))
