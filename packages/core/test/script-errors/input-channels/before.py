import torch
from torch import nn

method = "trace"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return self.conv(x)  # <- here


model = Net()
example_inputs = (torch.rand(1, 1, 8, 8),)
