import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.kept = torch.zeros(0)

    def forward(self, x):
        self.kept = self.linear(x)
        return self.kept


model = Net()
example_inputs = (torch.rand(2, 4),)
