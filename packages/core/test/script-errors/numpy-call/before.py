import torch
from torch import nn

import numpy as np


class Attention(nn.Module):
    def forward(self, q, k):
        return torch.softmax(q @ k.transpose(-2, -1) / np.sqrt(q.size(-1)), -1)  # <- here


model = Attention()
example_inputs = (torch.rand(2, 3, 4), torch.rand(2, 3, 4))
