"""Writes a date in digits, one character a call, looking back at what the encoder said of each word."""

from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .vocabulary import HIDDEN_SIZE, MAX_LENGTH, OUTPUT_CHARACTERS


class AttnDecoderRNN(nn.Module):
    """A character [1, 1], the hidden state [1, 1, hidden] and the encoder's outputs [max_length, hidden] to the
    log-probability of each next character [1, characters], the next hidden state and the attention paid to each word
    [1, max_length]."""

    def __init__(self, hidden_size: int, output_size: int, dropout: float = 0.1, max_length: int = MAX_LENGTH):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.attention = nn.Linear(hidden_size * 2, max_length)
        self.combine = nn.Linear(hidden_size * 2, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, character: Tensor, hidden: Tensor, encoder_outputs: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        return self.step(character, hidden, encoder_outputs.unsqueeze(0))

    def step(self, character: Tensor, hidden: Tensor, memory: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """The same for a batch: [1, batch], [1, batch, hidden] and [batch, max_length, hidden]."""
        embedded = self.dropout(self.embedding(character))[0]
        weights = F.softmax(self.attention(torch.cat((embedded, hidden[0]), 1)), dim=1)
        seen = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
        combined = F.relu(self.combine(torch.cat((embedded, seen), 1)))
        output, hidden = self.gru(combined.unsqueeze(0), hidden)
        return F.log_softmax(self.out(output[0]), dim=1), hidden, weights


def model() -> AttnDecoderRNN:
    return AttnDecoderRNN(HIDDEN_SIZE, len(OUTPUT_CHARACTERS))
