import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, flag: bool):
        if flag:  # <- here
            y = x.sum()
        else:
            y = 0.0
        return x + y


model = Net()
example_inputs = (torch.rand(3, 4), False)
