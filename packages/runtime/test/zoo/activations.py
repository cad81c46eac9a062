"""How much memory a model's activations need at least, from its graph: the largest sum of tensors alive at the same time.

    python3 activations.py --petal path/to/cli.js --folder DIR NAME…

Batch norms are folded; a tensor lives from the node that makes it to its last user, the input too; views count once. Prints one line of
JSON per model: { name, file, activations, dims }, with `file` compiled by petal.
"""

import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../core/test/differential"))

import torch
import torchvision
from torch import fx
from torch.fx.experimental.optimization import fuse

import zoo


class Lifetimes(fx.Interpreter):
    """Runs the graph; the environment holds what is still wanted."""

    def __init__(self, module):
        super().__init__(module)
        self.own = {tensor.storage().data_ptr() for tensor in [*module.parameters(), *module.buffers()]}
        self.largest = 0

    def run_node(self, node):
        result = super().run_node(node)
        living = {}
        for value in [*self.env.values(), result]:
            for tensor in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(tensor, torch.Tensor) and tensor.storage().data_ptr() not in self.own:
                    living[tensor.storage().data_ptr()] = tensor.storage().nbytes()
        self.largest = max(self.largest, sum(living.values()))
        return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    dims = (1, 3, 224, 224)
    for name in options.names:
        model = zoo.build(zoo.named(name))
        source, file = (os.path.join(options.folder, f"{name}.{kind}") for kind in ("pt", "ptl"))
        torch.jit.script(model).save(source)
        subprocess.run(["node", options.petal, "optimize", source, "-o", file], check=True, capture_output=True)
        os.remove(source)
        lifetimes = Lifetimes(fuse(model))
        with torch.no_grad():
            lifetimes.run(torch.rand(dims))
        print(json.dumps({"name": name, "file": file, "activations": lifetimes.largest, "dims": dims}), flush=True)


if __name__ == "__main__":
    main()
