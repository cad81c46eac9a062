"""Every way to use PyTorch's attention modules, whose fused operators phones lack."""
import torch
from torch import nn

CAUSAL = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
SCATTERED = torch.tensor([[False] * 5, [True] + [False] * 4])


class Heads(nn.Module):
    """Self-attention, attention to other tokens, no batch, weights averaged and of each head."""

    def __init__(self, batch_first=True, extra=False):
        super().__init__()
        self.mha = nn.MultiheadAttention(8, 2, batch_first=batch_first, add_bias_kv=extra, add_zero_attn=extra, bias=not extra)
        self.other = nn.MultiheadAttention(8, 2, kdim=4, vdim=6, batch_first=batch_first)

    def forward(self, x):
        own, weights = self.mha(x, x, x)
        masked, _ = self.mha(x, x, x, need_weights=False)
        cross, each = self.mha(x, x + 1, x + 2, average_attn_weights=False)
        single, _ = self.mha(x[0], x[1], x[1])
        wide, _ = self.other(x, x[:, :, :4], x[:, :, :6])
        return own, weights, masked, cross, each, single, wide


class Masks(nn.Module):
    def __init__(self, norm_first=False, batch_first=True, scattered=False):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first, norm_first=norm_first, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8))
        for each in self.encoder.parameters():
            nn.init.normal_(each, std=0.4)
        self.register_buffer("padding", SCATTERED if scattered else PADDING)
        self.register_buffer("causal", CAUSAL)

    def forward(self, x):
        padding = self.padding
        return self.encoder(x), self.encoder(x, src_key_padding_mask=padding), self.encoder(x, self.causal), self.encoder(x, self.causal, padding)


class Translator(nn.Module):
    def __init__(self, batch_first=False):
        super().__init__()
        self.net = nn.Transformer(8, 2, 1, 2, 16, batch_first=batch_first)
        self.register_buffer("mask", torch.triu(torch.full((5, 5), float("-inf")), 1))

    def forward(self, source, target):
        return self.net(source, target, tgt_mask=self.mask)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.decoder = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x):
        y = self.layer(x)
        return y, self.decoder(x, y), self.layer(x[0])


class Own(nn.TransformerEncoderLayer):
    """A layer of the user's own, which is left alone."""

    def __init__(self):
        super().__init__(8, 2, 16, batch_first=True)

    def forward(self, src):
        return self.norm1(src + 1)
