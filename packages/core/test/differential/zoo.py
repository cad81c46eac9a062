"""The zoo: every model the compiler is compared with PyTorch on.

An entry is a Model: how to build it, several sets of inputs (of different shapes wherever the model allows),
which of the forms "traced" and "scripted" it is checked in, and how large the error may be.
Every torchvision classification, segmentation and video model is in it by enumeration; others are listed.
"""

from dataclasses import dataclass
from typing import Callable, List, Tuple

import torch
import torchvision
from torch import nn

FORMS = ("traced", "scripted")


@dataclass
class Model:
    name: str
    make: Callable[[], nn.Module]
    inputs: Callable[[], List[Tuple]]
    forms: Tuple[str, ...] = FORMS
    # Worst error relative to the output's largest magnitude. float32 rounding in another order of operations stays well below.
    tolerance: float = 1e-5
    # Part of the everyday run; the others are checked by the full sweep, whose results docs/coverage.md records.
    quick: bool = False
    # Also compiled with every single optimization blocked, and with all of them.
    blocked: bool = False
    family: str = ""

    def part_of(self, selection: str) -> bool:
        """`full` is every model, `quick` the everyday run, `some` those of it that run in a second or two."""
        return selection == "full" or self.quick and (selection == "quick" or self.family in ("language", "sequence") or self.name in SOME)


def randomize(module: nn.Module, seed: int) -> nn.Module:
    """Random statistics, gains and biases: with the defaults (0 and 1) a wrong fold would go unnoticed."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        with torch.no_grad():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for child in module.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            if child.running_mean is not None:
                uniform(child.running_mean, -0.3, 0.3)
                uniform(child.running_var, 0.5, 1.5)
        if isinstance(child, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)) and child.weight is not None:
            uniform(child.weight, 0.6, 1.4)
            uniform(child.bias, -0.2, 0.2)
        elif getattr(child, "bias", None) is not None and isinstance(child.bias, torch.Tensor) and child.bias.is_floating_point():
            uniform(child.bias, -0.1, 0.1)
    for parameter in module.parameters():
        # ViT's head starts as zeros and ConvNeXt's layer scales as 1e-6: what comes before them would not show in the output.
        if parameter.is_floating_point() and parameter.numel() > 0 and bool((parameter == parameter.flatten()[0]).all()):
            uniform(parameter, *((-0.1, 0.1) if parameter.flatten()[0] == 0 else (0.3, 0.9)))
    return module.eval()


class Logits(nn.Module):
    """The logits of a model that returns a NamedTuple when scripted: PyTorch's lite loader cannot hand that to Python."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        y = self.model(x)
        if torch.jit.is_scripting():
            return y[0]
        else:
            return y


class Recurrent(nn.Module):
    """A recurrent layer as a submodule: scripted at top level it has no `forward` to save."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class LSTMCellText(nn.Module):
    """Embedding, an LSTMCell unrolled over the sequence, LayerNorm, Linear."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.cell = nn.LSTMCell(16, 32)
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 7)

    def forward(self, tokens):
        h = torch.zeros(tokens.size(0), 32)
        c = torch.zeros(tokens.size(0), 32)
        for i in range(tokens.size(1)):
            h, c = self.cell(self.embedding(tokens[:, i]), (h, c))
        return self.head(self.norm(h))


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


# Smallest image side each family accepts (or is sensible at), and whether the size may vary.
IMAGE_SIZES = {
    "alexnet": ((1, 80), (2, 96)), "inception_v3": ((1, 96), (2, 112)), "googlenet": ((1, 64), (2, 80)),
    "maxvit_t": ((1, 224), (2, 224)), "squeezenet": ((1, 64), (2, 80)),
}
FIXED = ("vit_", "maxvit")
QUICK = {
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3", "mnasnet0_5",
    "mnasnet1_0", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnet18",
    "resnet34", "resnet50", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "squeezenet1_0", "squeezenet1_1",
    "vgg11_bn", "wide_resnet50_2", "vit_b_32", "swin_t", "swin_v2_t", "maxvit_t", "lraspp_mobilenet_v3_large", "deeplabv3_resnet50",
    "deeplabv3_mobilenet_v3_large", "fcn_resnet50", "r3d_18", "mc3_18", "r2plus1d_18", "s3d", "mvit_v1_b",
}
SOME = {
    "efficientnet_b0", "googlenet", "googlenet (logits)", "lraspp_mobilenet_v3_large", "mc3_18", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small",
    "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t",
}
BLOCKED = {"mobilenet_v2", "resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "regnet_y_400mf", "lraspp_mobilenet_v3_large"}


def image_inputs(name: str):
    def make():
        generator = torch.Generator().manual_seed(7)
        sizes = next((s for key, s in IMAGE_SIZES.items() if name.startswith(key)), None)
        if sizes is None:
            sizes = ((1, 224), (2, 224)) if name.startswith(FIXED) else ((1, 64), (2, 96))
        sets = [(torch.rand(batch, 3, side, side, generator=generator),) for batch, side in sizes]
        if not name.startswith(FIXED):
            batch, side = sizes[0]
            sets.append((torch.rand(1, 3, side + 32, side + 64, generator=generator) * 2 - 1,))
        return sets

    return make


def video_inputs(name: str):
    def make():
        generator = torch.Generator().manual_seed(7)
        sizes = [(1, 16, 224, 224), (2, 16, 224, 224)] if name.startswith("mvit") else (
            [(1, 16, 224, 224), (2, 16, 224, 256)] if name == "s3d" else [(1, 4, 40, 40), (2, 6, 48, 56)])
        return [(torch.rand(b, 3, t, h, w, generator=generator),) for b, t, h, w in sizes]

    return make


def torchvision_models() -> List[Model]:
    models = []
    for name in torchvision.models.list_models():
        builder = torchvision.models.get_model_builder(name)
        family = builder.__module__.replace("torchvision.models.", "").split(".")[0]
        if family in ("detection", "quantization", "optical_flow"):
            continue
        options = {}
        if family == "segmentation":
            options = dict(weights_backbone=None, aux_loss=False) if "lraspp" not in name else dict(weights_backbone=None)
        if name in ("googlenet", "inception_v3"):
            options = dict(aux_logits=False, init_weights=False)

        def make(builder=builder, options=options):
            torch.manual_seed(0)
            return builder(weights=None, **options)

        inputs = video_inputs(name) if family == "video" else image_inputs(name)
        models.append(Model(name, make, inputs, quick=name in QUICK, blocked=name in BLOCKED, family=family))
        if name in ("googlenet", "inception_v3"):
            models[-1].forms = ("traced",)

            def make_aux(builder=builder):
                torch.manual_seed(0)
                return Logits(builder(weights=None, aux_logits=True, init_weights=False))

            models.append(Model(f"{name} (logits)", make_aux, inputs, ("scripted",), quick=name in QUICK, family=family))
    return models


def tensors(*shapes, seed=3):
    def make():
        generator = torch.Generator().manual_seed(seed)
        return [tuple(torch.randn(s, generator=generator) for s in (shape if isinstance(shape[0], tuple) else (shape,))) for shape in shapes]

    return make


def sequence_models() -> List[Model]:
    def seeded(make):
        def build():
            torch.manual_seed(0)
            return make()
        return build

    def tokens():
        generator = torch.Generator().manual_seed(3)
        return [(torch.randint(0, 50, shape, generator=generator),) for shape in ((2, 5), (3, 5), (1, 8))]

    layers = {
        "nn.LSTM": lambda: Recurrent(nn.LSTM(12, 20, num_layers=2, batch_first=True)),
        "nn.LSTM (bidirectional)": lambda: Recurrent(nn.LSTM(12, 20, bidirectional=True)),
        "nn.GRU": lambda: Recurrent(nn.GRU(12, 20, num_layers=2)),
        "nn.RNN": lambda: Recurrent(nn.RNN(12, 20, batch_first=True)),
        "nn.TransformerEncoderLayer": lambda: nn.TransformerEncoderLayer(12, 3, 24, batch_first=True),
        "nn.TransformerEncoder": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(12, 3, 24), 2),
    }
    models = [Model(name, seeded(make), tensors((2, 5, 12), (3, 7, 12), (1, 1, 12)), quick=True, family="sequence") for name, make in layers.items()]
    models.append(Model("nn.MultiheadAttention", seeded(SelfAttention), tensors((2, 5, 32), (3, 7, 32)), quick=True, family="sequence"))
    models.append(Model("Embedding + LSTMCell", seeded(LSTMCellText), tokens, quick=True, family="sequence"))
    return models


def all_models() -> List[Model]:
    from constructs import construct_models
    from language import language_models
    from vision_tasks import vision_task_models

    return torchvision_models() + sequence_models() + language_models() + construct_models() + vision_task_models()


def named(name: str) -> Model:
    return next(model for model in all_models() if model.name == name)


def build(model: Model) -> nn.Module:
    """The eager model as every comparison has it: the same numbers each time on the same PyTorch (1.13 and 2.x initialize some layers differently)."""
    return randomize(model.make(), seed=sum((i + 1) * ord(c) for i, c in enumerate(model.name)))
