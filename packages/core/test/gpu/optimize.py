"""PyTorch's own optimize_for_mobile for Vulkan and Metal, on any machine, and a dump of what it made.

    /usr/bin/python3 packages/core/test/gpu/optimize.py --backend vulkan in.pt out.ptl
    /usr/bin/python3 packages/core/test/gpu/optimize.py --backend metal in.pt out.ptl --torchscript out.pt --graph
    /usr/bin/python3 packages/core/test/gpu/archive.py out.ptl          the dump alone, of any .pt or .ptl
"""

import argparse

import shim
import torch
from archive import dump
from torch.utils.mobile_optimizer import optimize_for_mobile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("vulkan", "metal", "cpu"), required=True)
    parser.add_argument("--preserve", action="append", default=[], help="a method or attribute to keep")
    parser.add_argument("--torchscript", help="also saves the module for the full JIT")
    parser.add_argument("--graph", action="store_true", help="also prints the graphs")
    parser.add_argument("source")
    parser.add_argument("target")
    options = parser.parse_args()
    shim.load()
    module = optimize_for_mobile(torch.jit.load(options.source), preserved_methods=options.preserve, backend=options.backend)
    module._save_for_lite_interpreter(options.target)
    if options.torchscript:
        module.save(options.torchscript)
    if options.graph:
        for name in module._c._method_names():
            print(f"graph of {name}:\n{module._c._get_method(name).graph}")
    print(dump(options.target))


if __name__ == "__main__":
    main()
