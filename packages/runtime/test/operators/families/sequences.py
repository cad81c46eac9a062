"""Recurrent layers, attention and embeddings."""
import math

import torch

from record import Call, Ref

CASES = {}


def small(g, *shape, bound=0.6, dtype=torch.float32):
    return g.tensor(list(shape), dtype, -bound, bound, plain=0.9, expand=False)


# ---- recurrent layers


def recurrent(g, gates, projected=False):
    """Input and parameters of a layer, or of several, in one direction or both."""
    layers, both, biases = g.choice((1, 1, 2, 3)), g.chance(0.4), g.chance(0.8)
    inputs, hidden = g.choice((1, 2, 3, 4, 5, 8, 13, 16)), g.choice((1, 2, 3, 4, 5, 8, 12, 17))
    projection = g.randint(1, hidden - 1) if projected and hidden > 1 and g.chance(0.25) else 0
    outputs, directions = projection or hidden, 1 + both
    dtype = torch.float32 if g.chance(0.93) else torch.float64
    params = []
    for layer in range(layers):
        for _ in range(directions):
            params += [small(g, gates * hidden, inputs if layer == 0 else outputs * directions, dtype=dtype), small(g, gates * hidden, outputs, dtype=dtype)]
            if biases:
                params += [small(g, gates * hidden, dtype=dtype), small(g, gates * hidden, dtype=dtype)]
            if projection:
                params += [small(g, projection, hidden, dtype=dtype)]
    batch, steps = g.randint(1, 4), g.randint(1, 9)
    return params, biases, layers, both, directions * layers, hidden, outputs, batch, steps, inputs, dtype


def of_input(g, gates, cell=False):
    params, biases, layers, both, states, hidden, outputs, batch, steps, inputs, dtype = recurrent(g, gates, cell)
    first = g.chance(0.5)
    x = g.tensor([batch, steps, inputs] if first else [steps, batch, inputs], dtype, -2, 2)
    h = g.tensor([states, batch, outputs], dtype, -1, 1)
    hx = [h, g.tensor([states, batch, hidden], dtype, -1, 1)] if cell else h
    return [x, hx, params, biases, layers, 0.0 if g.chance(0.7) else 0.3, False, both, first]


def of_packed(g, gates, cell=False):
    """Sequences of different lengths, packed."""
    params, biases, layers, both, states, hidden, outputs, batch, steps, inputs, dtype = recurrent(g, gates, cell)
    lengths = sorted((g.randint(1, steps) for _ in range(batch)), reverse=True)
    sizes = torch.tensor([sum(length > step for length in lengths) for step in range(lengths[0])])
    data = g.tensor([int(sizes.sum()), inputs], dtype, -2, 2)
    h = g.tensor([states, batch, outputs], dtype, -1, 1)
    hx = [h, g.tensor([states, batch, hidden], dtype, -1, 1)] if cell else h
    return [data, sizes, hx, params, biases, layers, 0.0, False, both]


def cell(g, gates, pair=False):
    batch, inputs, hidden = g.randint(1, 4), g.randint(1, 9), g.randint(1, 17)
    x, h = g.tensor([batch, inputs], torch.float32, -2, 2), g.tensor([batch, hidden], torch.float32, -1, 1)
    biases = [small(g, gates * hidden), small(g, gates * hidden)] if g.chance(0.7) else g.choice(([], [None, None]))
    return [x, [h, g.tensor([batch, hidden], torch.float32, -1, 1)] if pair else h, small(g, gates * hidden, inputs), small(g, gates * hidden, hidden), *biases]


for name, gates in (("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1)):
    CASES["aten::%s.input" % name] = lambda g, gates=gates, pair=name == "lstm": of_input(g, gates, pair)
    CASES["aten::%s.data" % name] = lambda g, gates=gates, pair=name == "lstm": of_packed(g, gates, pair)
    CASES["aten::%s_cell" % name] = lambda g, gates=gates, pair=name == "lstm": cell(g, gates, pair)


def packing(g):
    batch, steps = g.randint(1, 5), g.randint(1, 6)
    lengths = sorted((g.randint(1, steps) for _ in range(batch)), reverse=True)
    lengths[0] = steps
    first = g.chance(0.5)
    return first, lengths, g.tensor([batch, steps, 3] if first else [steps, batch, 3])


CASES["aten::_pack_padded_sequence"] = lambda g: (lambda first, lengths, x: [x, torch.tensor(lengths), first])(*packing(g))


def unpack(g):
    first, lengths, x = packing(g)
    data, sizes = torch._pack_padded_sequence(x, torch.tensor(lengths), first)
    return [data, sizes, first, g.choice((0, 1.5, -1.0)), max(lengths) + g.choice((0, 0, 2))]


CASES["aten::_pad_packed_sequence"] = unpack
CASES["aten::pad_sequence"] = lambda g: (lambda rest: [[g.tensor([g.randint(1, 5), *rest]) for _ in range(g.randint(1, 4))], g.chance(0.5), g.choice((0.0, -1.0))])(g.shape(0, 2, limit=20))

# ---- attention

# Masks of steps, and of keys; 1.13's kernels for CPUs know the latter alone.
MASK_KINDS = (0, 1) if int(torch.__version__.split(".")[0]) >= 2 else (1,)


def heads(g):
    count = g.choice((1, 2, 3, 4))
    return count, count * g.choice((1, 2, 3, 4, 8))


def projections(g, width):
    return [small(g, 3 * width, width, bound=1 / math.sqrt(width)), small(g, 3 * width), small(g, width, width, bound=1 / math.sqrt(width)), small(g, width)]


def padding_mask(g, batch, steps):
    """True where a step is padding; the first one never is, else rows would be NaN."""
    mask = g.elements([batch, steps], torch.bool)
    mask[:, 0] = False
    return mask


def attention(g):
    count, width = heads(g)
    batch, steps = g.randint(1, 3), g.randint(1, 9)
    x = g.tensor([batch, steps, width], torch.float32, -2, 2)
    qkv = [x, x, x] if g.chance(0.5) else [x, *[g.tensor([batch, steps, width])] * 2]
    mask, kind = None, None
    if g.chance(0.6):
        kind = g.choice(MASK_KINDS)
        mask = torch.ones(steps, steps, dtype=torch.bool).triu(1) if kind == 0 else padding_mask(g, batch, steps)
    return [*qkv, width, count, *projections(g, width), mask, g.chance(0.4), g.chance(0.5), kind]


CASES["aten::_native_multi_head_attention"] = attention


def encoder_layer(g):
    count, width = heads(g)
    batch, steps, inner = g.randint(1, 3), g.randint(1, 9), g.choice((3, 8, 17))
    mask, kind = None, None
    if g.chance(0.6):
        kind = g.choice(MASK_KINDS)
        mask = torch.ones(steps, steps, dtype=torch.bool).triu(1) if kind == 0 else padding_mask(g, batch, steps)
    x = g.tensor([batch, steps, width], torch.float32, -2, 2)
    norms = [small(g, width, bound=2) for _ in range(4)]
    return [x, width, count, *projections(g, width), g.chance(0.5), g.chance(0.5), 1e-5, *norms, small(g, inner, width), small(g, inner), small(g, width, inner), small(g, width), mask, kind]


CASES["aten::_transformer_encoder_layer_fwd"] = encoder_layer


def dot_product(g, flags=True):
    batch = g.shape(1, 2, empty=0, limit=6)
    width, values, queries, keys = g.choice((1, 2, 4, 5, 8, 16)), g.choice((1, 4, 5, 8)), g.randint(1, 9), g.randint(1, 9)
    causal = g.chance(0.3)
    mask = None
    if not causal and g.chance(0.6):
        shape = g.choice(([queries, keys], [*([1] * len(batch)), queries, keys], [*batch, 1, keys]))
        mask = g.tensor(shape, torch.float32) if g.chance(0.5) else g.elements(shape, torch.bool) | (torch.arange(keys) == 0)
    dtype = torch.float32
    args = [g.tensor([*batch, queries, width], dtype), g.tensor([*batch, keys, width], dtype), g.tensor([*batch, keys, values if g.chance(0.5) else width], dtype), mask, 0.0]
    return args + ([causal] if g.chance(0.7) or causal else [])


def dot_product_scaled(g):
    args = dot_product(g)
    return args + ([g.choice((None, 0.3, 1.0))] if len(args) == 6 and g.chance(0.4) else [])


CASES["aten::scaled_dot_product_attention"] = dot_product_scaled
CASES["aten::_scaled_dot_product_attention"] = lambda g: (lambda q, k, v, m, p, *causal: [q, k, v, m, p, g.chance(0.5), bool(causal and causal[0])])(*dot_product(g))


def nested(g):
    """Sequences of different lengths, left-aligned as encoder layers demand."""
    batch, steps, width = g.randint(1, 4), g.randint(1, 6), g.randint(1, 5)
    lengths = [g.randint(1, steps) for _ in range(batch)]
    lengths[g.randrange(batch)] = steps
    mask = torch.tensor([[step < length for step in range(steps)] for length in lengths])
    return g.tensor([batch, steps, width], plain=1), mask


def padded(g):
    return Call(Ref(0), g.choice((0.0, -1.5)), *([None] if g.chance(0.3) else []), before=[("aten::_nested_tensor_from_mask", list(nested(g)))])


CASES["aten::to_padded_tensor"] = padded
CASES["prim::is_nested"] = lambda g: [g.tensor()] if g.chance(0.5) else Call(Ref(0), before=[("aten::_nested_tensor_from_mask", list(nested(g)))])
CASES["aten::_nested_tensor_from_mask_left_aligned"] = lambda g: (lambda x, mask: [x, mask if g.chance(0.7) else mask.flip(1)])(*nested(g))

# ---- embeddings


def indices(g, count, shape=None, wrong=0.02):
    return g.tensor(g.shape(0, 3) if shape is None else shape, g.choice((torch.int64, torch.int64, torch.int32)), 0, count - 1 + (g.random() < wrong) * 2)


def embedding(g):
    count, width = g.randint(1, 20), g.size()
    weight = g.tensor([count, width], g.real() if g.chance(0.95) else torch.int64)
    return [weight, indices(g, count), *([] if g.chance(0.3) else [g.choice((-1, 0)), False, False])]


CASES["aten::embedding"] = embedding


def embedding_bag(g, last=0.2):
    count, width = g.randint(1, 20), g.size()
    flat, mode = g.randint(1, 12), g.choice((0, 1, 2))
    offsets = torch.tensor(sorted([0, *(g.randint(0, flat) for _ in range(g.randint(0, 4)))]))
    weights = g.tensor([flat]) if mode == 0 and g.chance(0.3) else None
    last = g.chance(last)
    return [g.tensor([count, width]), g.tensor([flat], torch.int64, 0, count - 1), torch.cat([offsets, torch.tensor([flat])]) if last else offsets, False, mode, False, weights, last,
            *([None] if g.chance(0.7) else [0])]


CASES["aten::embedding_bag.padding_idx"] = embedding_bag
CASES["aten::embedding_bag"] = lambda g: embedding_bag(g)[:8]
CASES["aten::one_hot"] = lambda g: [g.tensor(g.shape(0, 3, empty=0), torch.int64, 0, 6, plain=0.6), *([] if g.chance(0.4) else [g.choice((-1, 7, 9, 3))])]
