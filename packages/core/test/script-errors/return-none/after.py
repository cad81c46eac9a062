from typing import Optional

import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, flag: bool) -> Optional[torch.Tensor]:
        if flag:
            return x * 2
        return None


model = Net()
example_inputs = (torch.rand(2, 4), True)
