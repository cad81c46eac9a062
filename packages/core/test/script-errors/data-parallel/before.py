import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.DataParallel(nn.Linear(4, 4))  # <- here

    def forward(self, x):
        return self.body(x)


model = Net()
example_inputs = (torch.rand(2, 4),)
