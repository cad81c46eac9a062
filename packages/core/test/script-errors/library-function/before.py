import torch
from torch import nn

import random


class Noise(nn.Module):
    def forward(self, x):
        if self.training and random.random() < 0.5:  # <- here
            return x + 1
        return x


model = Noise()
example_inputs = (torch.rand(2, 3),)
