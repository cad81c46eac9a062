import torch
from torch import nn


class Net(nn.Module):
    def power(self, x, n: int):
        y = torch.ones_like(x)
        for _ in range(n):
            y = x * y
        return y

    def forward(self, x):
        return self.power(x, 3)


model = Net()
example_inputs = (torch.rand(5, 4),)
