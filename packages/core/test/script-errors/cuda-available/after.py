import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return x + torch.ones(4, device=x.device)


model = Net()
example_inputs = (torch.rand(2, 4),)
