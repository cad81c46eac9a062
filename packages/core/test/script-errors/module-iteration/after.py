import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        size = torch.zeros(())
        for p in [self.linear.weight, self.linear.bias]:
            size = size + p.abs().sum()
        return self.linear(x) / size


model = Net()
example_inputs = (torch.rand(5, 4),)
