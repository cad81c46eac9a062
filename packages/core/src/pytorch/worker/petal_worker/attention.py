"""
Attention in plain operators. PyTorch's own attention modules pick fused operators and nested tensors that runtimes on phones lack,
and decide with Python values that a trace freezes. Here is the same arithmetic in what TorchScript can carry to any runtime.
"""
import math
from contextlib import AbstractContextManager
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .reclassing import Methods, reclass, reclassed


def plain_attention(model: nn.Module) -> AbstractContextManager:
    """Inside, the attention modules of `model` whose forward is PyTorch's own run, trace and script as plain operators."""
    return reclassed([change for module in model.modules() for change in _change(module)])


def make_plain(model: nn.Module) -> None:
    """What `plain_attention` does, for good."""
    reclass([change for module in model.modules() for change in _change(module)])


def _change(module: nn.Module) -> List[Tuple[nn.Module, Methods]]:
    for cls, (forward, _) in PLAIN.items():
        if _applies(module, cls):
            return [(module, {"forward": forward, **_constants(module)})]
    return []


def _applies(module: Any, cls: type) -> bool:
    """Whether a module computes as `cls` does, and all that it relies on too. A subclass may add to it, but not change how it computes."""
    names = ("forward", "_sa_block", "_mha_block", "_ff_block")
    return (
        isinstance(module, cls)
        and not isinstance(module, torch.jit.ScriptModule)
        and all(getattr(type(module), name, None) is getattr(cls, name, None) for name in names)
        and PLAIN.get(cls, (None, lambda module: True))[1](module)
    )


def _constants(module: Any) -> Methods:
    """Whether an encoder zeroes what is padded, as its nested tensors do: decided by the first layer alone."""
    if not isinstance(module, nn.TransformerEncoder):
        return {}
    layer = module.layers[0]
    pads = bool(
        getattr(module, "use_nested_tensor", getattr(module, "enable_nested_tensor", False))
        and not layer.norm_first
        and layer.self_attn.batch_first
        and layer.self_attn._qkv_same_embed_dim
        and layer.self_attn.in_proj_bias is not None
        and layer.activation_relu_or_gelu
        and layer.norm1.eps == layer.norm2.eps
        and layer.self_attn.num_heads % 2 == 0
    )
    return {"zeroes_padding": pads, "trims_padding": TRIMS, "__constants__": ["norm", "zeroes_padding", "trims_padding"]}


# 1.x gives back no more than the longest sequence of a padded batch; 2.0 keeps the batch's length.
TRIMS = int(torch.__version__.split(".")[0]) < 2


def additive(mask: Tensor, like: Tensor) -> Tensor:
    """A mask to add to scores: booleans tell what is left out, floats are added as they are."""
    if mask.is_floating_point():
        return mask
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask.to(torch.bool), float("-inf"))


def attend(
    q: Tensor, k: Tensor, v: Tensor, heads: int, size: int, attn_mask: Optional[Tensor], key_padding_mask: Optional[Tensor],
    zero_key: bool, dropout: float, training: bool,
) -> Tuple[Tensor, Tensor]:
    """
    Attention of projected (N, L, E) queries to (N, S, E) keys and values: the (N, L, E) result and the (N, heads, L, S) weights.
    `size` is that of a head, E / heads.
    `attn_mask` is (L, S) or (N * heads, L, S), `key_padding_mask` (N, S); both are added to the scores. `zero_key` adds a key of zeros.
    """
    q = q.reshape(q.size(0), q.size(1), heads, size).transpose(1, 2)
    k = k.reshape(k.size(0), k.size(1), heads, size).transpose(1, 2)
    v = v.reshape(v.size(0), v.size(1), heads, size).transpose(1, 2)
    if zero_key:
        k = F.pad(k, [0, 0, 0, 1])
        v = F.pad(v, [0, 0, 0, 1])
    scores = torch.matmul(q * (1.0 / math.sqrt(float(size))), k.transpose(2, 3))
    if attn_mask is not None:
        mask = F.pad(attn_mask, [0, 1]) if zero_key else attn_mask
        if mask.dim() == 3:
            mask = mask.reshape(-1, heads, mask.size(1), mask.size(2))
        scores = scores + mask
    if key_padding_mask is not None:
        padding = F.pad(key_padding_mask, [0, 1]) if zero_key else key_padding_mask
        scores = scores + padding.unsqueeze(1).unsqueeze(1)
    weights = F.dropout(torch.softmax(scores, dim=-1), p=dropout, training=training)
    return torch.matmul(weights, v).transpose(1, 2).flatten(2), weights


def multihead_forward(
    self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Optional[Tensor] = None, need_weights: bool = True,
    attn_mask: Optional[Tensor] = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> Tuple[Tensor, Optional[Tensor]]:
    """`nn.MultiheadAttention.forward`. `is_causal` only hints at what `attn_mask` holds, so it changes nothing."""
    same = query is key and key is value
    batched = query.dim() == 3
    if not batched:
        query, key, value = query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    elif not self.batch_first:
        query, key, value = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)

    bias = self.in_proj_bias
    if self.in_proj_weight is None:
        bias_q: Optional[Tensor] = None
        bias_k: Optional[Tensor] = None
        bias_v: Optional[Tensor] = None
        if bias is not None:
            bias_q, bias_k, bias_v = bias.chunk(3)
        q = F.linear(query, self.q_proj_weight, bias_q)
        k = F.linear(key, self.k_proj_weight, bias_k)
        v = F.linear(value, self.v_proj_weight, bias_v)
    elif same:
        q, k, v = F.linear(query, self.in_proj_weight, bias).chunk(3, dim=-1)
    else:
        weight_q, weight_k, weight_v = self.in_proj_weight.chunk(3)
        bias_q: Optional[Tensor] = None
        bias_k: Optional[Tensor] = None
        bias_v: Optional[Tensor] = None
        if bias is not None:
            bias_q, bias_k, bias_v = bias.chunk(3)
        q = F.linear(query, weight_q, bias_q)
        k = F.linear(key, weight_k, bias_k)
        v = F.linear(value, weight_v, bias_v)

    mask: Optional[Tensor] = None
    if attn_mask is not None:
        mask = additive(attn_mask, q)
    padding: Optional[Tensor] = None
    if key_padding_mask is not None:
        padding = additive(key_padding_mask, q)
    more_k, more_v = self.bias_k, self.bias_v
    if more_k is not None and more_v is not None:
        k = torch.cat([k, more_k.expand(k.size(0), 1, -1)], dim=1)
        v = torch.cat([v, more_v.expand(v.size(0), 1, -1)], dim=1)
        if mask is not None:
            mask = F.pad(mask, [0, 1])
        if padding is not None:
            padding = F.pad(padding, [0, 1])

    output, weights = attend(q, k, v, self.num_heads, self.head_dim, mask, padding, self.add_zero_attn, self.dropout, self.training)
    output = F.linear(output, self.out_proj.weight, self.out_proj.bias)
    if not batched:
        output = output.squeeze(0)
    elif not self.batch_first:
        output = output.transpose(0, 1)
    if not need_weights:
        return output, None
    if average_attn_weights:
        weights = weights.mean(dim=1)
    return output, weights if batched else weights.squeeze(0)


def encoder_layer_forward(
    self, src: Tensor, src_mask: Optional[Tensor] = None, src_key_padding_mask: Optional[Tensor] = None, is_causal: bool = False,
) -> Tensor:
    """`nn.TransformerEncoderLayer.forward`."""
    x = src
    if self.norm_first:
        y = self.norm1(x)
        x = x + self.dropout1(self.self_attn(y, y, y, src_key_padding_mask, False, src_mask)[0])
        x = x + self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(self.norm2(x))))))
    else:
        x = self.norm1(x + self.dropout1(self.self_attn(x, x, x, src_key_padding_mask, False, src_mask)[0]))
        x = self.norm2(x + self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x))))))
    return x


def encoder_forward(
    self, src: Tensor, mask: Optional[Tensor] = None, src_key_padding_mask: Optional[Tensor] = None, is_causal: Optional[bool] = None,
) -> Tensor:
    """`nn.TransformerEncoder.forward`."""
    output = src
    for layer in self.layers:
        output = layer(output, mask, src_key_padding_mask)
    if self.zeroes_padding:
        if mask is None and src_key_padding_mask is not None and src.dim() == 3:
            output = without_padding(output, src_key_padding_mask.to(torch.bool), self.trims_padding)
    if self.norm is not None:
        output = self.norm(output)
    return output


@torch.jit.script_if_tracing
def without_padding(output: Tensor, padding: Tensor, trims: bool) -> Tensor:
    """What a nested tensor gives back: zeros where (N, L) `padding` is true, if it is so at the ends of sequences only."""
    if bool((padding[:, :-1] & padding[:, 1:].logical_not()).any()):
        return output
    if trims:
        length = int(padding.logical_not().sum(1).max())
        output = output[:, :length]
        padding = padding[:, :length]
    return output.masked_fill(padding.unsqueeze(-1), 0.0)


def decoder_forward(
    self, tgt: Tensor, memory: Tensor, tgt_mask: Optional[Tensor] = None, memory_mask: Optional[Tensor] = None,
    tgt_key_padding_mask: Optional[Tensor] = None, memory_key_padding_mask: Optional[Tensor] = None,
    tgt_is_causal: Optional[bool] = None, memory_is_causal: bool = False,
) -> Tensor:
    """`nn.TransformerDecoder.forward`."""
    output = tgt
    for layer in self.layers:
        output = layer(output, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
    if self.norm is not None:
        output = self.norm(output)
    return output


def transformer_forward(
    self, src: Tensor, tgt: Tensor, src_mask: Optional[Tensor] = None, tgt_mask: Optional[Tensor] = None,
    memory_mask: Optional[Tensor] = None, src_key_padding_mask: Optional[Tensor] = None,
    tgt_key_padding_mask: Optional[Tensor] = None, memory_key_padding_mask: Optional[Tensor] = None,
    src_is_causal: Optional[bool] = None, tgt_is_causal: Optional[bool] = None, memory_is_causal: bool = False,
) -> Tensor:
    """`nn.Transformer.forward`."""
    memory = self.encoder(src, src_mask, src_key_padding_mask)
    return self.decoder(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)


# Each class, what its forward becomes, and whether what it holds allows that: PyTorch's own layers only.
PLAIN: Dict[type, Tuple[Callable, Callable[[Any], bool]]] = {
    nn.MultiheadAttention: (multihead_forward, lambda module: True),
    nn.TransformerEncoderLayer: (encoder_layer_forward, lambda module: _applies(module.self_attn, nn.MultiheadAttention)),
    nn.TransformerEncoder: (
        encoder_forward, lambda module: all(_applies(layer, nn.TransformerEncoderLayer) for layer in module.layers),
    ),
    nn.TransformerDecoder: (
        decoder_forward, lambda module: all(_applies(layer, nn.TransformerDecoderLayer) for layer in module.layers),
    ),
    nn.Transformer: (
        transformer_forward,
        lambda module: _applies(module.encoder, nn.TransformerEncoder) and _applies(module.decoder, nn.TransformerDecoder),
    ),
}
