"""Modules to quantize, and modules that work on quantized tensors."""

import torch
import torch.ao.nn.quantized as nnq
import torch.ao.nn.quantized.dynamic as nnqd
import torch.ao.quantization as aq
from torch import nn
from torch.ao.quantization import DeQuantStub, QuantStub


class Quantizable(nn.Module):
    """Between stubs."""

    def __init__(self, body):
        super().__init__()
        self.quant, self.body, self.dequant = QuantStub(), body, DeQuantStub()

    def forward(self, x):
        return self.dequant(self.body(self.quant(x)))


class Raw(nn.Module):
    """Gives the quantized tensor itself."""

    def __init__(self, body):
        super().__init__()
        self.quant, self.body = QuantStub(), body

    def forward(self, x):
        return self.body(self.quant(x))


def conv_relu(dimensions, transposed=False, **options):
    convolution = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d) if transposed else (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return nn.Sequential(convolution[dimensions - 1](4, 6, 3, **options), nn.ReLU(), convolution[dimensions - 1](6, 4, 1), nn.ReLU())


class Arithmetic(nn.Module):
    """Everything FloatFunctional has, with and without ReLU after it."""

    def __init__(self):
        super().__init__()
        for name in ("add", "relued", "add_relu", "mul", "cat", "scalar", "relued_mul", "relued_cat"):
            setattr(self, name, torch.ao.nn.quantized.FloatFunctional())
        self.quant, self.other, self.dequant, self.relu = QuantStub(), QuantStub(), DeQuantStub(), nn.ReLU()

    def forward(self, x, y):
        x, y = self.quant(x), self.other(y)
        a = self.add.add(x, y)
        b = self.relu(self.relued.add(x, y))
        c = self.add_relu.add_relu(a, b)
        d = self.mul.mul(a, c)
        e = self.relu(self.relued_mul.mul(a, d))
        f = torch.relu(self.relued_cat.cat([a, d], 1))
        g = self.scalar.mul_scalar(self.scalar.add_scalar(e, 0.25), 1.5)
        return self.dequant(self.cat.cat([a, b, c, d, e, g], 1)), self.dequant(f)


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.hardswish, self.leaky, self.elu, self.sigmoid = nn.Hardswish(), nn.LeakyReLU(0.2), nn.ELU(), nn.Sigmoid()
        self.relu6, self.tanh, self.hardtanh, self.drop = nn.ReLU6(), nn.Tanh(), nn.Hardtanh(-0.5, 0.7), nn.Dropout(0.5)
        self.hardsigmoid, self.threshold = nn.Hardsigmoid(), nn.Threshold(0.1, 0.0)

    def forward(self, x):
        x = self.quant(x)
        outputs = [self.hardswish(x), self.leaky(x), self.elu(x), self.sigmoid(x), self.relu6(x), self.tanh(x), self.hardtanh(x), self.drop(x),
                   self.hardsigmoid(x), self.threshold(x), torch.clamp(x, 0.0, 0.5), torch.relu(x)]
        return [self.dequant(y) for y in outputs]


class Norms(nn.Module):
    """Scripted, these have scales that are tensors of one dimension, which quantized operators do not take."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.layer, self.group, self.instance = nn.LayerNorm([6, 6]), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True)

    def forward(self, x):
        x = self.quant(x)
        return self.dequant(self.layer(x)), self.dequant(self.group(x)), self.dequant(self.instance(x))


class Shapes(nn.Module):
    """What moves, picks and pools quantized values."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.max, self.average, self.adaptive = nn.MaxPool2d(2), nn.AvgPool2d(3, 1, 1), nn.AdaptiveAvgPool2d((2, 2))

    def forward(self, x):
        x = self.quant(x)
        a, b = torch.chunk(x, 2, 1)
        y = torch.cat([b, a], 1)
        n, c, h, w = y.shape
        shuffled = y.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        pooled = self.max(shuffled)
        outputs = [pooled, self.average(y), self.adaptive(y), y.mean([2, 3]), torch.flatten(pooled, 1), y[:, 1:, ::2], y.permute(0, 2, 3, 1), y.unsqueeze(1).squeeze(1),
                   nn.functional.interpolate(y, scale_factor=2.0, mode="nearest"), nn.functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False),
                   torch.nn.functional.pad(y, [1, 1, 1, 1]), torch.clone(y), y.reshape(n, -1)]
        return [self.dequant(z) for z in outputs]


class Twice(nn.Module):
    """One convolution and one linear layer that are each used twice."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.conv, self.linear, self.relu = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 4), nn.ReLU()

    def forward(self, x):
        x = self.conv(self.relu(self.conv(self.quant(x)))).mean([2, 3])
        return self.dequant(self.relu(self.linear(self.relu(self.linear(x)))))


class Remembers(nn.Module):
    """Packed weights used with and without ReLU on equal scales: some kernels keep what they were first made for."""

    def __init__(self):
        super().__init__()
        weight = torch.quantize_per_tensor(torch.randn(4, 4, 1, 1), 0.05, 0, torch.qint8)
        self.packed = torch.ops.quantized.conv2d_prepack(weight, torch.randn(4), [1, 1], [0, 0], [1, 1], 1)

    def forward(self, x):
        y = torch.quantize_per_tensor(-x, 0.1, 100, torch.quint8)
        x = torch.quantize_per_tensor(x, 0.1, 100, torch.quint8)
        x = torch.relu(torch.ops.quantized.conv2d(x, self.packed, 0.1, 100))
        return x.dequantize(), torch.ops.quantized.conv2d(y, self.packed, 0.1, 100).dequantize()


class Residual(nn.Module):
    """For FX: functions and methods, additions with ReLU, a shared layer, a functional linear layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.down = nn.Conv2d(4, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.Conv2d(4, 8, 1)
        self.linear, self.weight, self.bias = nn.Linear(8, 8), nn.Parameter(torch.randn(5, 8)), nn.Parameter(torch.randn(5))

    def forward(self, x):
        y = nn.functional.relu(self.norm(self.conv(x)) + self.down(x), inplace=True)
        y = torch.cat([y, y * 0.5], 2)
        y = nn.functional.adaptive_avg_pool2d(y, (1, 1)).flatten(1)
        y = self.linear(torch.sigmoid(self.linear(y)))
        return nn.functional.linear(nn.functional.hardswish(y), self.weight, self.bias)


class Decides(nn.Module):
    """Branches and loops, which only scripting keeps."""

    def __init__(self):
        super().__init__()
        self.quant, self.dequant = QuantStub(), DeQuantStub()
        self.conv, self.relu = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()

    def forward(self, x, times: int):
        x = self.quant(x)
        for _ in range(times):
            x = self.conv(x)
            if bool(x.dequantize().mean() > 0.1):
                x = self.relu(x)
        return self.dequant(x)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.quant, self.linear, self.dequant = nn.Embedding(50, 16), QuantStub(), nn.Linear(16, 5), DeQuantStub()

    def forward(self, ids):
        return self.dequant(self.linear(self.quant(self.embed(ids))))


class Bags(nn.Module):
    def __init__(self, bits):
        super().__init__()
        weight = torch.randn(50, 16)
        self.bag = nnq.EmbeddingBag(50, 16, include_last_offset=True, dtype=torch.quint8 if bits == 8 else torch.quint4x2)
        scales, offsets = (weight.amax(1) - weight.amin(1)) / (2 ** bits - 1), torch.zeros(50)
        offsets = -weight.amin(1) / scales
        self.bag.set_weight(torch.quantize_per_channel(weight, scales, offsets, 0, torch.quint8 if bits == 8 else torch.quint4x2))

    def forward(self, ids, offsets):
        return self.bag(ids, offsets)


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.rnn, self.relu = nn.LSTMCell(12, 12), nn.GRUCell(12, 12), nn.RNNCell(12, 12), nn.RNNCell(12, 12, nonlinearity="relu")

    def forward(self, x):
        h, c = self.lstm(x)
        h, c = self.lstm(x, (h, c))
        return h, c, self.relu(self.rnn(self.gru(x, h)))


class Layers(nn.Module):
    """LSTM with a state that is given and returned."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(20, 3)

    def forward(self, x, h, c):
        y, (h, c) = self.layer(x, (h, c))
        return self.head(y), h, c


class DynamicConvolutions(nn.Module):
    def __init__(self, engine):
        super().__init__()
        torch.manual_seed(0)
        def quantized(layer, kind):
            layer.qconfig = aq.QConfig(activation=aq.default_dynamic_quant_observer, weight=aq.default_weight_observer)
            return kind.from_float(layer)
        self.conv = quantized(nn.Conv2d(4, 6, 3, padding=1), nnqd.Conv2d)
        self.deconv = quantized(nn.ConvTranspose2d(6, 4, 2, 2), nnqd.ConvTranspose2d)

    def forward(self, x):
        return self.deconv(torch.relu(self.conv(x)))


class Tensors(nn.Module):
    """Quantized tensors that come in, go out, and lie in attributes and constants."""

    def __init__(self, per_channel):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        weight = torch.randn(4, 6, generator=generator)
        self.register_buffer("table", torch.quantize_per_channel(weight, torch.rand(4, generator=generator) / 20 + 0.01, torch.arange(4), 0, torch.quint8)
                             if per_channel else torch.quantize_per_tensor(weight, 0.03, -7, torch.qint8))
        self.register_buffer("wide", torch.quantize_per_tensor(weight, 0.001, 0, torch.qint32))
        self.scale = 0.05

    def forward(self, x):
        y = torch.quantize_per_tensor(x.dequantize() * 2, self.scale, 10, torch.quint8)
        table = self.table.dequantize()
        same = torch.ops.quantized.add_relu(x, y, self.scale * 2, 3)
        return x, y, same, self.table, table + self.wide.dequantize(), self.table.int_repr(), y.q_scale(), y.q_zero_point(), y.is_quantized


class DynamicQparams(nn.Module):
    """Scale and zero point are tensors."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scales", torch.tensor([0.1, 0.02, 0.03, 0.5]))
        self.register_buffer("zeros", torch.tensor([0, 3, -4, 7]))

    def forward(self, x):
        y = torch.quantize_per_tensor_dynamic(x, torch.qint8, False)
        z = torch.quantize_per_channel(x, self.scales, self.zeros, 0, torch.qint8)
        return y.dequantize(), z.dequantize(), torch.quantize_per_tensor(x, torch.tensor(0.02), torch.tensor(3), torch.quint8).dequantize()
