import torch
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        values = x.numpy()  # <- here
        return torch.as_tensor(values) * 2


model = Net()
example_inputs = (torch.rand(2, 3),)
