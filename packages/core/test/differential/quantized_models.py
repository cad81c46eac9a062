"""The quantized models that the compiler is compared with PyTorch on, to the last bit.

An entry is a Quantized: how to make the eager quantized model for an engine, and several sets of inputs. Weights are random; what is
quantized statically is calibrated with random data of the same shapes as the inputs.
"""

import copy
import warnings
from dataclasses import dataclass
from typing import Callable, Dict, List, Tuple

import torch
import torch.ao.quantization as aq
import torchvision
from torch import nn
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

from quantized_modules import (
    Activations, Arithmetic, Bags, Cells, Decides, DynamicConvolutions, DynamicQparams, Layers, Norms, Quantizable,
    Raw, Remembers, Residual, Shapes, Tensors, Twice, Words, conv_relu,
)
from zoo import FORMS, Logits, Recurrent, SelfAttention, image_inputs, randomize, tensors

ENGINES = ("qnnpack", "fbgemm", "onednn")


@dataclass
class Quantized:
    name: str
    make: Callable[[str], nn.Module]
    inputs: Callable[[], List[Tuple]]
    forms: Tuple[str, ...] = FORMS
    engines: Tuple[str, ...] = ENGINES
    # Every operator of it computes the same bits in whatever form it is run. Float layers do not, which XNNPACK takes over and for which MKL looks
    # at what needs gradients: models with such are compared within a tolerance, and to the last bit with that blocked, where there is no MKL.
    exact: bool = True
    quick: bool = True


def seeded(model: nn.Module, seed: int = 1) -> nn.Module:
    return randomize(model, seed)


def qconfig(engine: str, per_channel: bool) -> aq.QConfig:
    """Activations as the engine likes them; weights of each output channel by itself, or together."""
    weight = aq.default_per_channel_weight_observer if per_channel else aq.default_weight_observer
    return aq.QConfig(activation=aq.get_default_qconfig("qnnpack" if engine == "qnnpack" else "fbgemm").activation, weight=weight)


def calibrate(model: nn.Module, inputs: List[Tuple]) -> None:
    with torch.no_grad():
        for args in inputs:
            model(*copy.deepcopy(args))


def eager_static(float_model: Callable[[], nn.Module], inputs, fuse: Callable[[nn.Module], nn.Module] = lambda model: model, per_channel=None):
    """Quantized in eager mode. `per_channel` is what the engine's default is when left out."""
    def make(engine):
        torch.manual_seed(0)
        model = fuse(seeded(float_model()))
        model.qconfig = qconfig(engine, engine != "qnnpack" if per_channel is None else per_channel)
        for child in model.modules():
            if isinstance(child, nn.Embedding):
                child.qconfig = aq.float_qparams_weight_only_qconfig
            elif isinstance(child, nn.EmbeddingBag):
                child.qconfig = aq.float_qparams_weight_only_qconfig
            elif isinstance(child, nn.modules.conv._ConvTransposeNd):
                child.qconfig = qconfig(engine, False)
        prepared = aq.prepare(model)
        calibrate(prepared, inputs())
        return aq.convert(prepared).eval()
    return make


def fx_static(float_model: Callable[[], nn.Module], inputs, per_channel=None):
    """Quantized in FX graph mode."""
    def make(engine):
        torch.manual_seed(0)
        model = seeded(float_model())
        mapping = aq.get_default_qconfig_mapping("qnnpack" if engine == "qnnpack" else "fbgemm")
        if per_channel is not None:
            mapping.set_global(qconfig(engine, per_channel))
            for layer in (nn.Conv2d, nn.Linear, nn.functional.linear):
                mapping.set_object_type(layer, qconfig(engine, per_channel))
        prepared = prepare_fx(model, mapping, inputs()[0])
        calibrate(prepared, inputs())
        return convert_fx(prepared).eval()
    return make


def dynamic(float_model: Callable[[], nn.Module], layers, dtype=torch.qint8):
    def make(engine):
        torch.manual_seed(0)
        return aq.quantize_dynamic(seeded(float_model()), set(layers), dtype=dtype).eval()
    return make


def quantized_input(*shapes):
    def make():
        generator = torch.Generator().manual_seed(4)
        return [(torch.quantize_per_tensor(torch.randn(shape, generator=generator), 0.05, 20, torch.quint8),) for shape in shapes]
    return make


def decisions():
    return [(tensors((2, 4, 6, 6), (1, 4, 6, 6), (3, 4, 6, 6))()[i][0], times) for i, times in enumerate((3, 0, 5))]


def bags():
    generator = torch.Generator().manual_seed(3)
    return [(torch.randint(0, 50, (count,), generator=generator), torch.tensor(offsets)) for count, offsets in ((7, [0, 2, 7]), (9, [0, 0, 5, 9]))]


def ids():
    generator = torch.Generator().manual_seed(3)
    return [(torch.randint(0, 50, shape, generator=generator),) for shape in ((2, 5), (3, 4), (1, 8))]


def torchvision_models() -> List[Quantized]:
    def fuse(model):
        model.fuse_model()
        return model

    models = []
    for name in ("mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50", "resnext101_32x8d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
                 "googlenet", "inception_v3"):
        builder = getattr(torchvision.models.quantization, name)
        aux = dict(aux_logits=False, init_weights=False) if name in ("googlenet", "inception_v3") else {}
        inputs = image_inputs(name)
        def quantizable(builder=builder, aux=aux):
            return builder(weights=None, **aux)

        forms = ("traced",) if aux else FORMS
        models.append(Quantized(name, eager_static(quantizable, inputs, fuse), inputs, forms, quick=name in ("mobilenet_v2", "resnet18")))
        if aux:
            def with_aux(builder=builder):
                return Logits(builder(weights=None, aux_logits=True, init_weights=False))

            def fuse_logits(model):
                model.model.fuse_model()
                return model

            models.append(Quantized(f"{name} (logits)", eager_static(with_aux, inputs, fuse_logits), inputs, ("scripted",), quick=False))
    for name in ("resnet18", "mobilenet_v3_small", "squeezenet1_1", "mnasnet0_5"):
        inputs = image_inputs(name)
        models.append(Quantized(f"{name} (FX)", fx_static(lambda name=name: getattr(torchvision.models, name)(weights=None), inputs), inputs, quick=False))
    return models


def layer_models() -> List[Quantized]:
    images = tensors((2, 4, 6, 6), (1, 4, 6, 6), (3, 4, 6, 6))
    pairs = tensors(((2, 4, 6, 6), (2, 4, 6, 6)), ((1, 4, 3, 5), (1, 4, 3, 5)), ((2, 4, 2, 2), (1, 4, 1, 1)))
    flexible = tensors((2, 4, 6, 6), (1, 4, 8, 7), (3, 4, 6, 10))
    vectors, signals, volumes = tensors((2, 6), (3, 4, 6)), tensors((2, 4, 9), (1, 4, 12)), tensors((2, 4, 5, 6, 7), (1, 4, 4, 4, 4))
    models: List[Quantized] = []

    def add(name, make, inputs, **options):
        models.append(Quantized(name, make, inputs, **options))

    for per_channel in (False, True):
        how = "per channel" if per_channel else "per tensor"
        add(f"Conv2d, Linear twice ({how})", eager_static(Twice, flexible, per_channel=per_channel), flexible)
        add(f"Conv2d + ReLU apart ({how})", eager_static(lambda: Raw(conv_relu(2)), flexible, per_channel=per_channel), flexible)
        add(f"Conv2d + ReLU fused ({how})", eager_static(
            lambda: Quantizable(conv_relu(2, stride=2, padding=1, groups=2)), flexible,
            lambda model: aq.fuse_modules(model, [["body.0", "body.1"], ["body.2", "body.3"]]), per_channel), flexible)
        add(f"Conv1d ({how})", eager_static(lambda: Quantizable(conv_relu(1, stride=2, padding=1)), signals, per_channel=per_channel), signals)
        add(f"Conv3d ({how})", eager_static(lambda: Quantizable(conv_relu(3, padding=1)), volumes, per_channel=per_channel), volumes,
            engines=("fbgemm", "onednn"))
        add(f"Linear ({how})", eager_static(
            lambda: Quantizable(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))), vectors, per_channel=per_channel), vectors)
        add(f"FX residual ({how})", fx_static(Residual, flexible, per_channel), flexible)
        add(f"tensors ({how})", lambda engine, per_channel=per_channel: Tensors(per_channel), quantized_input((2, 3), (4,)), forms=("scripted",))
    for dimensions, inputs, engines in ((1, signals, ("qnnpack", "fbgemm")), (2, flexible, ("qnnpack", "fbgemm")), (3, volumes, ("fbgemm",))):
        def transposed(dimensions=dimensions):
            return Quantizable(conv_relu(dimensions, True, stride=2, padding=1, output_padding=1))

        add(f"ConvTranspose{dimensions}d", eager_static(transposed, inputs), inputs, engines=engines)
    add("packed weights with and without ReLU", lambda engine: Remembers(), flexible, forms=("scripted",))
    add("arithmetic", eager_static(Arithmetic, pairs), pairs)
    add("activations", eager_static(Activations, flexible), flexible)
    add("norms", eager_static(Norms, images), images, forms=("traced",))
    for dimensions, layer, inputs in ((2, nn.BatchNorm2d, flexible), (3, nn.BatchNorm3d, volumes)):
        def norm(layer=layer):
            return Quantizable(nn.Sequential(layer(4), nn.ReLU()))

        add(f"BatchNorm{dimensions}d + ReLU apart", eager_static(norm, inputs), inputs, forms=("traced",))
        add(f"BatchNorm{dimensions}d + ReLU fused", eager_static(norm, inputs, lambda model: aq.fuse_modules(model, ["body.0", "body.1"])), inputs, forms=("traced",))
    add("shapes", eager_static(Shapes, flexible), flexible)
    add("control flow", eager_static(Decides, decisions), decisions, forms=("scripted",))
    add("Embedding, Linear", eager_static(Words, ids), ids)
    add("EmbeddingBag (8 bits)", lambda engine: Bags(8), bags)
    # PyTorch 2.x, the one with FBGEMM in tests, cannot load weights of four bits that it saved.
    add("EmbeddingBag (4 bits)", lambda engine: Bags(4), bags, engines=("qnnpack", "onednn"))
    add("quantized at run time", lambda engine: DynamicQparams(), tensors((4, 3), (4, 5, 6)))
    add("dynamic convolutions", lambda engine: DynamicConvolutions(engine).eval(), flexible, engines=("qnnpack", "fbgemm"))
    return models


def dynamic_models() -> List[Quantized]:
    sequences = tensors((2, 5, 12), (3, 7, 12), (1, 1, 12))
    states = tensors(((5, 2, 12), (2, 2, 20), (2, 2, 20)), ((7, 3, 12), (2, 3, 20), (2, 3, 20)))
    targets = tensors(((2, 5, 12), (2, 4, 12)), ((3, 2, 12), (3, 7, 12)))
    rows, deep, words = tensors((2, 12), (5, 12)), tensors((2, 12), (3, 4, 12)), tensors((2, 5, 32), (3, 7, 32))
    layers = (nn.Linear, nn.LSTM, nn.GRU, nn.LSTMCell, nn.GRUCell, nn.RNNCell)

    def linears():
        return nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3))

    def encoder():
        return nn.TransformerEncoder(nn.TransformerEncoderLayer(12, 3, 24), 2)

    def decoder():
        return nn.TransformerDecoderLayer(12, 3, 24, batch_first=True)

    floating = dict(engines=("qnnpack", "onednn"), exact=False)
    return [
        Quantized("dynamic Linear", dynamic(linears, layers), deep),
        Quantized("dynamic Linear (float16)", dynamic(linears, [nn.Linear], torch.float16), rows, engines=("fbgemm",)),
        Quantized("dynamic LSTM", dynamic(lambda: Recurrent(nn.LSTM(12, 20, num_layers=2, batch_first=True)), layers), sequences),
        Quantized("dynamic LSTM (bidirectional)", dynamic(lambda: Recurrent(nn.LSTM(12, 20, bidirectional=True)), layers), sequences),
        Quantized("dynamic LSTM (state)", dynamic(lambda: Layers(nn.LSTM(12, 20, num_layers=2)), layers), states),
        Quantized("dynamic LSTM (float16)", dynamic(lambda: Recurrent(nn.LSTM(12, 20)), [nn.LSTM], torch.float16), sequences, engines=("fbgemm",)),
        Quantized("dynamic GRU", dynamic(lambda: Recurrent(nn.GRU(12, 20, num_layers=2)), layers), sequences),
        Quantized("dynamic cells", dynamic(Cells, layers), rows),
        # PyTorch cannot script a quantized encoder layer: it reads `linear1.weight`, which is a method there.
        Quantized("dynamic TransformerEncoder", dynamic(encoder, layers), sequences, ("traced",), **floating),
        Quantized("dynamic TransformerDecoderLayer", dynamic(decoder, layers), targets, **floating),
        Quantized("dynamic MultiheadAttention", dynamic(SelfAttention, layers), words, **floating),
    ]


def quantized_models() -> Dict[str, Quantized]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = torchvision_models() + layer_models() + dynamic_models()
    return {model.name: model for model in models}
