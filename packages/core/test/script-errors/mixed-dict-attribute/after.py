import torch
from torch import nn


class Configured(nn.Module):
    def __init__(self):
        super().__init__()
        self.config_scale = 0.5
        self.config_name = "net"
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return self.linear(x) * self.config_scale


model = Configured()
example_inputs = (torch.rand(3, 4),)
