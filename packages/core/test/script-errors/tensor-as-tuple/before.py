import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 4)

    def forward(self, x, state):
        h, c = state  # <- here
        return self.cell(x, (h, c))


model = Net()
example_inputs = (torch.rand(2, 4), (torch.rand(2, 4), torch.rand(2, 4)))
