"""The whole translation as one model: its two loops make it one to script."""

from pathlib import Path

import torch
from torch import Tensor, nn

from . import decoder, encoder
from .vocabulary import EOS_TOKEN, HIDDEN_SIZE, MAX_LENGTH, SOS_TOKEN


class Translator(nn.Module):
    """The words of a date [words], ended by EOS, to the characters of it in ISO 8601 [characters], without EOS."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        # TorchScript sees no globals: what forward needs of them is kept here.
        self.hidden_size = HIDDEN_SIZE
        self.max_length = MAX_LENGTH
        self.sos_token = SOS_TOKEN
        self.eos_token = EOS_TOKEN
        self.longest = len("2000-12-31") + 1

    def forward(self, words: Tensor) -> Tensor:
        hidden = torch.zeros(1, 1, self.hidden_size)
        encoder_outputs = torch.zeros(self.max_length, self.hidden_size)
        for i in range(min(words.size(0), self.max_length)):
            output, hidden = self.encoder(words[i].view(1, 1), hidden)
            encoder_outputs[i] = output[0, 0]

        character = torch.full((1, 1), self.sos_token, dtype=torch.long)
        characters = torch.zeros(0, dtype=torch.long)
        for _ in range(self.longest):
            scores, hidden, _ = self.decoder(character, hidden, encoder_outputs)
            character = scores.argmax(1, keepdim=True)
            if bool(character[0, 0] == self.eos_token):
                break
            characters = torch.cat((characters, character[0]))
        return characters


def make_translator() -> Translator:
    """The trained one."""
    parts = encoder.model(), decoder.model()
    for name, part in zip(("encoder", "decoder"), parts):
        part.load_state_dict(torch.load(Path(__file__).with_name(f"{name}.pth"), map_location="cpu"))
    return Translator(*parts)
