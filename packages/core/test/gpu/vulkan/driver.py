"""Loads PyTorch 1.13's own Vulkan backend into this PyTorch, on the driver that computes on the CPU.

    /usr/bin/python3 packages/core/test/gpu/vulkan/driver.py model.ptl --like model.pt --shape 1x3x64x64      runs both, prints the error

To be loaded before anything of Vulkan is asked for, and never with shim.py in one process: both bring the same operators.
"""

import ctypes
import functools
import os
import subprocess
import sys

import torch

FOLDER = os.path.dirname(os.path.abspath(__file__))
DRIVERS = "/usr/share/vulkan/icd.d"


# Parameters of glibc's mallopt (malloc.h).
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def take_fresh_memory():
    """
    Gives every image pages that nobody had before, which are zeros, as memory of a device is. In memory that malloc hands out again, one run
    in ten or so gives other numbers or NaN, now for one model and then for another; with fresh pages none of 19 did.
    """
    mallopt = ctypes.CDLL(None).mallopt
    for parameter, value in ((M_MMAP_THRESHOLD, 4096), (M_TRIM_THRESHOLD, 0)):
        mallopt(parameter, value)


@functools.lru_cache(None)
def load() -> str:
    """Path of the library, loaded: `tensor.to('vulkan')` works, and files for Vulkan run with PyTorch's shaders."""
    library = os.environ.get("PETAL_VULKAN") or subprocess.run(
        ["node", os.path.join(FOLDER, "build.mjs"), sys.executable], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    os.environ["VK_ICD_FILENAMES"] = next(os.path.join(DRIVERS, name) for name in os.listdir(DRIVERS) if name.startswith("lvp_icd"))
    take_fresh_memory()
    torch.ops.load_library(library)
    return library


def main():
    import argparse

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--like", required=True, help="the original archive, run on the CPU")
    parser.add_argument("--shape", action="append", required=True, help="of an input, e.g. 1x3x64x64; once for each input")
    parser.add_argument("--on-vulkan", action="store_true", help="gives Vulkan tensors, to a file compiled without automatic transfer")
    options = parser.parse_args()
    load()
    sys.path.append(os.path.join(FOLDER, ".."))
    from values import moved
    from torch.jit.mobile import _load_for_lite_interpreter

    torch.manual_seed(0)
    inputs = [torch.randn([int(n) for n in shape.split("x")]) for shape in options.shape]
    expected = torch.jit.load(options.like)(*inputs)
    # Without it PyTorch refuses some kernels of Vulkan, as it would have to record gradients through them; apps run the same way.
    with torch.inference_mode():
        actual = _load_for_lite_interpreter(options.file)(*moved(inputs, lambda t: t.to("vulkan")) if options.on_vulkan else inputs)

    def compare(a, b, path):
        if isinstance(b, torch.Tensor):
            error = (a.cpu() - b).abs().max().item() / max(b.abs().max().item(), 1e-30) if b.is_floating_point() else (a.cpu() != b).sum().item()
            print(f"{path}: on {a.device}, {list(a.shape)}, error {error:.2e} of the largest value")
        elif isinstance(b, dict):
            for key in b:
                compare(a[key], b[key], f"{path}[{key!r}]")
        else:
            for i, each in enumerate(b):
                compare(a[i], each, f"{path}[{i}]")

    with torch.no_grad():
        compare(actual, expected, "output")


if __name__ == "__main__":
    main()
