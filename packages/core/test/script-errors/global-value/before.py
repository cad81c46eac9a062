import torch
from torch import nn

device = torch.device("cpu")
SOS_token = 1


class Start(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)

    def forward(self, x):
        start = torch.ones(1, 1, device=x.device, dtype=torch.long) * SOS_token  # <- here
        return self.embedding(torch.cat([start, x], 1))


model = Start()
example_inputs = (torch.tensor([[1, 2, 3]]),)
