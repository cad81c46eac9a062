"""Reads a question at once, forwards and backwards."""

from typing import Tuple

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class EncoderRNN(nn.Module):
    """Questions [words, batch] and their lengths [batch], the longest first, to an output for each word
    [words, batch, hidden] and the hidden states [2 * layers, batch, hidden]."""

    def __init__(self, hidden_size: int, embedding: nn.Embedding, n_layers: int = 1, dropout: float = 0.0):
        super().__init__()
        self.n_layers = n_layers
        self.hidden_size = hidden_size
        self.embedding = embedding
        self.gru = nn.GRU(hidden_size, hidden_size, n_layers, dropout=dropout, bidirectional=True)

    def forward(self, input_seq: Tensor, input_lengths: Tensor) -> Tuple[Tensor, Tensor]:
        packed = pack_padded_sequence(self.embedding(input_seq), input_lengths)
        outputs, hidden = self.gru(packed)
        outputs, _ = pad_packed_sequence(outputs)
        return outputs[:, :, :self.hidden_size] + outputs[:, :, self.hidden_size:], hidden
