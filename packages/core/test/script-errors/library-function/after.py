import torch
from torch import nn


class Noise(nn.Module):
    def forward(self, x):
        if self.training and float(torch.rand(1)) < 0.5:
            return x + 1
        return x


model = Noise()
example_inputs = (torch.rand(2, 3),)
