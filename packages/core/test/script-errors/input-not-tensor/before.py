import torch
from torch import nn

method = "run"


class Net(nn.Module):
    def forward(self, x, k):  # <- here
        return torch.topk(x, k)[0]


model = Net()
example_inputs = (torch.rand(2, 4), 3)
