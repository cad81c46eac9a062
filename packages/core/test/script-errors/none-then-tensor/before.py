import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        best = None
        for i in range(x.size(0)):
            if best is None or x[i].sum() > best.sum():  # <- here
                best = x[i]
        return best


model = Net()
example_inputs = (torch.rand(3, 4),)
