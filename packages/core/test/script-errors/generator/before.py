import torch
from torch import nn


class Net(nn.Module):
    def steps(self, x):
        for i in range(3):
            yield x * i  # <- here

    def forward(self, x):
        return torch.stack(list(self.steps(x)))


model = Net()
example_inputs = (torch.rand(5, 4),)
