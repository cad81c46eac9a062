import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        dtype = self.linear.weight.dtype
        return self.linear(x.to(dtype))


model = Net()
example_inputs = (torch.rand(4, 4),)
