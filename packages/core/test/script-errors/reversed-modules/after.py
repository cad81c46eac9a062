import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, x):
        for i in range(len(self.layers) - 1, -1, -1):
            for j, layer in enumerate(self.layers):
                if j == i:
                    x = layer(x)
        return x


model = Net()
example_inputs = (torch.rand(2, 4),)
