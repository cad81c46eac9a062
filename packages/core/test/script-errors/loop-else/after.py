import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        for i in range(3):
            if i > 5:
                break
        x = x * 2
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
