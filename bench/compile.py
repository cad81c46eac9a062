"""How long and how much memory one compile takes, against PyTorch doing the same, in one run.

    node bench/compile.mjs [--only mobilenet_v2] [--rounds 5]

Whole processes, wall clock and peak resident memory (wait4), in turn, medians. The floor is `sha256sum` and `cp` of the same file.
"""

import argparse
import os
import statistics
import sys
import time

import torch
import torchvision

MODELS = ("mobilenet_v2", "resnet18", "wide_resnet50_2", "vgg11_bn")
TORCH = """
import sys, torch
from torch.utils.mobile_optimizer import optimize_for_mobile
optimize_for_mobile(torch.jit.load(sys.argv[1]))._save_for_lite_interpreter(sys.argv[2])
"""


def measure(command, output=None):
    """Wall seconds and peak MB of one child process; `output` is removed first, and nobody waits for an earlier one's pages to reach the disk."""
    if output and os.path.exists(output):
        os.remove(output)
    os.sync()
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1):
            os.dup2(null, descriptor)
        os.execvp(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(command[:4])} … failed")
    return seconds, usage.ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--petal", required=True)
    parser.add_argument("--folder", required=True, help="where models and outputs go")
    parser.add_argument("--only", action="append", choices=MODELS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    print(f"{os.cpu_count()} cores, torch {torch.__version__}, medians of {options.rounds} rounds in turn")
    print(f"{'model':<18}{'MB':>6}{'petal s':>9}{'torch s':>9}{'ratio':>7}{'floor s':>9}{'x floor':>8}{'petal MB':>10}{'torch MB':>10}")
    for name in options.only or MODELS:
        source = os.path.join(options.folder, f"{name}.pt")
        if not os.path.exists(source):
            torch.jit.script(getattr(torchvision.models, name)(weights=None).eval()).save(source)
        out = os.path.join(options.folder, "out")
        petal, pytorch, floor = [], [], []
        for _ in range(options.rounds):
            petal.append(measure(["node", options.petal, "optimize", source, "-o", out], out))
            pytorch.append(measure([sys.executable, "-c", TORCH, source, out], out))
            floor.append(measure(["sha256sum", source])[0] + measure(["cp", source, out], out)[0])
        os.remove(out)
        ours, theirs, base = (statistics.median(seconds) for seconds in ([s for s, _ in petal], [s for s, _ in pytorch], floor))
        print(f"{name:<18}{os.path.getsize(source) / 1e6:>6.0f}{ours:>9.2f}{theirs:>9.2f}{ours / theirs:>7.2f}{base:>9.2f}{ours / base:>8.1f}"
              f"{max(m for _, m in petal):>10.0f}{max(m for _, m in pytorch):>10.0f}", flush=True)


if __name__ == "__main__":
    main()
