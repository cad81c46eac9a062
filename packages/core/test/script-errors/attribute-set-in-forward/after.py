import torch
from torch import nn


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 4)
        self.hidden = torch.zeros(0)

    def forward(self, x):
        self.hidden = torch.zeros(x.size(0), 4)
        self.hidden = self.cell(x, self.hidden)
        return self.hidden


model = Recurrent()
example_inputs = (torch.rand(3, 4),)
