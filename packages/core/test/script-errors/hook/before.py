import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.linear.register_forward_hook(self.keep)  # <- here

    def keep(self, module, inputs, output):
        self.kept = output

    def forward(self, x):
        return self.linear(x)


model = Net()
example_inputs = (torch.rand(2, 4),)
