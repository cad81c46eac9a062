import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        batch, *rest = x.shape  # <- here
        return x.view(batch, -1)


model = Net()
example_inputs = (torch.rand(5, 2, 2),)
