import torch
from torch import nn

device = torch.device("cpu")
SOS_token = 1


class Start(nn.Module):
    def __init__(self, SOS_token):
        super().__init__()
        self.SOS_token = SOS_token
        self.embedding = nn.Embedding(10, 4)

    def forward(self, x):
        start = torch.ones(1, 1, device=x.device, dtype=torch.long) * self.SOS_token
        return self.embedding(torch.cat([start, x], 1))


model = Start(SOS_token)
example_inputs = (torch.tensor([[1, 2, 3]]),)
