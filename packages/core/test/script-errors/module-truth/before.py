import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Linear(4, 4)

    def forward(self, x):
        if self.down:  # <- here
            x = self.down(x)
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
