import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, mode: int):
        match mode:  # <- here
            case 0:
                return x
            case _:
                return x * 2


model = Net()
example_inputs = (torch.rand(5, 4), 1)
