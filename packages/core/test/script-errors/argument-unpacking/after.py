import torch
from torch import nn

from typing import List

from torch import Tensor


class Net(nn.Module):
    def forward(self, xs: List[Tensor]):
        return torch.add(xs[0], xs[1])


model = Net()
example_inputs = ([torch.rand(2, 4), torch.rand(2, 4)],)
