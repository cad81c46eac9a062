import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x, scale: float):
        if scale <= 0:
            raise ValueError("scale must be positive, not {}".format(scale))
        return x * scale


model = Net()
example_inputs = (torch.rand(2, 4), 2.0)
