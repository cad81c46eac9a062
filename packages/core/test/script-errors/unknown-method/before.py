import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x / x.nelement()  # <- here


model = Net()
example_inputs = (torch.rand(2, 3),)
