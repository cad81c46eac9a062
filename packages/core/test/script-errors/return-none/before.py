import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, flag: bool) -> torch.Tensor:
        if flag:
            return x * 2
        return None  # <- here


model = Net()
example_inputs = (torch.rand(2, 4), True)
