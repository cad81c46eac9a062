import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        if x.numel() % 2 == 0:
            return x.view(2, -1)
        return x


model = Net()
example_inputs = (torch.rand(5, 4),)
