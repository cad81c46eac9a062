import torch
from torch import nn


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(4, 4), nn.ReLU()]

    def forward(self, x):
        for layer in self.layers:  # <- here
            x = layer(x)
        return x


model = Stack()
example_inputs = (torch.rand(3, 4),)
