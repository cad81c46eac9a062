import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        y = x
        for i in range(3):
            y = x * i
        return y


model = Net()
example_inputs = (torch.rand(2, 3),)
