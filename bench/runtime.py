"""The models of bench/runtime.mjs, each in every contender's form, from the same weights.

    python3 runtime.py --petal path/to/cli.js --folder DIR [--only NAME]

    model.ptl    ours, compiled by petal from the TorchScript archive
    model.onnx   for onnxruntime-web, from PyTorch's own exporter (opset 15)
    tf.json      for tfjs: the nodes of that same ONNX graph, with weights as ranges of tf.bin
    case.json    input and eager output, as ranges of tensors.bin
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../packages/core/test/differential"))

import torch
import torchvision
from torch import nn

import zoo

OPSET = 15


def image_model(name):
    return lambda: getattr(torchvision.models, name)(weights=None)


def encoder():
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True), 2)


# Name: how to make it, the input's shape, and the form that petal compiles. Transformers are traced with gradients on: without, PyTorch
# records one fused operator, which its ONNX exporter does not take.
MODELS = {
    **{name: (image_model(name), (1, 3, 224, 224), "scripted") for name in (
        "mobilenet_v2", "mobilenet_v3_small", "resnet18", "squeezenet1_1", "efficientnet_b0", "vit_b_16")},
    "lstm": (lambda: zoo.Recurrent(nn.LSTM(64, 128, num_layers=2, batch_first=True)), (1, 50, 64), "scripted"),
    "transformer": (encoder, (1, 64, 256), "traced"),
}


class First(nn.Module):
    """The first output alone, so that every contender answers with one tensor."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)[0]


class Binary:
    def __init__(self, path):
        self.file = open(path, "wb")
        self.offset = 0

    def range(self, tensor):
        data = tensor.detach().contiguous().numpy().tobytes()
        self.file.write(data + b"\0" * (-len(data) % 8))
        answer = {"dtype": str(tensor.dtype)[6:], "dims": list(tensor.shape), "offset": self.offset, "bytes": len(data)}
        self.offset += len(data) + -len(data) % 8
        return answer


def attributes(node, binary):
    read = {"i": node.i, "f": node.f, "s": node.s, "is": getattr(node, "is"), "fs": node.fs, "t": lambda name: binary.range(node.t(name))}
    return {name: read[node.kindOf(name)](name) for name in node.attributeNames()}


def tf_graph(model, x, folder):
    """The exporter's graph as JSON: { inputs, outputs, nodes: [{ op, inputs, outputs, … }], weights }."""
    from torch.onnx import utils
    from torch.onnx._globals import GLOBALS

    GLOBALS.export_onnx_opset_version = OPSET
    with utils.select_model_mode_for_export(model, torch.onnx.TrainingMode.EVAL):
        graph, params, _ = utils._model_to_graph(model, (x,), do_constant_folding=True)
    binary = Binary(os.path.join(folder, "tf.bin"))
    weights, nodes = {name: binary.range(value) for name, value in params.items()}, []
    for node in graph.nodes():
        name, attrs = node.kind().replace("onnx::", ""), attributes(node, binary)
        outputs = [value.debugName() for value in node.outputs()]
        if name == "Constant":
            if "value" in attrs:
                weights[outputs[0]] = attrs["value"]
            continue
        nodes.append({"op": name, "inputs": [value.debugName() for value in node.inputs()], "outputs": outputs, "attributes": attrs})
    inputs = [value.debugName() for value in graph.inputs() if value.debugName() not in params]
    with open(os.path.join(folder, "tf.json"), "w") as file:
        json.dump({"inputs": inputs, "outputs": [value.debugName() for value in graph.outputs()], "nodes": nodes, "weights": weights}, file)


def export(name, folder, petal):
    make, shape, form = MODELS[name]
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    model = zoo.randomize(make(), seed=1)
    if name == "lstm":
        model = First(model).eval()
    x = torch.rand(shape, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = model(x)
    source = os.path.join(folder, "model.pt")
    if form == "scripted":
        torch.jit.script(copy.deepcopy(model)).save(source)
    else:
        torch.jit.trace(model, x, check_trace=False).save(source)
    done = subprocess.run(["node", petal, "optimize", source, "-o", os.path.join(folder, "model.ptl")], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"petal does not compile {name}: {done.stderr}")
    os.remove(source)
    torch.onnx.export(model, (x,), os.path.join(folder, "model.onnx"), opset_version=OPSET, input_names=["input"], output_names=["output"])
    tf_graph(model, x, folder)
    binary = Binary(os.path.join(folder, "tensors.bin"))
    with open(os.path.join(folder, "case.json"), "w") as file:
        json.dump({"name": name, "form": form, "input": binary.range(x), "expected": binary.range(expected)}, file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--only", action="append", choices=MODELS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in options.only or MODELS:
        export(name, os.path.join(options.folder, name), options.petal)
        print(name, flush=True)


if __name__ == "__main__":
    main()
