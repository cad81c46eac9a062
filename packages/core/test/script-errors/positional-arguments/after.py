from typing import List

import torch
from torch import nn


class Net(nn.Module):
    def forward(self, xs: List[torch.Tensor]):
        return torch.cat(xs)


model = Net()
example_inputs = ([torch.rand(2, 3)],)
