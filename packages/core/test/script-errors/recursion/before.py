import torch
from torch import nn


class Net(nn.Module):
    def power(self, x, n: int):
        if n == 0:
            return torch.ones_like(x)
        return x * self.power(x, n - 1)  # <- here

    def forward(self, x):
        return self.power(x, 3)


model = Net()
example_inputs = (torch.rand(5, 4),)
