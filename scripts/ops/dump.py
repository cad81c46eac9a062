"""Prints every operator schema that this PyTorch has, as JSON: {"version": ..., "schemas": [text, ...]}.

Within one operator name the order is that of registration, which is the order overload resolution tries them in; it is
checked against what the JIT's own lookup gives. torchvision is imported when it is there, for its operators.

    /usr/bin/python3 scripts/ops/dump.py > old.json      # PyTorch 1.13
    venv/bin/python scripts/ops/dump.py > new.json       # newest 2.x
    node scripts/ops/generate.mjs old.json new.json
"""
import json
import sys

import torch

try:
    import torchvision
except Exception as problem:
    torchvision = None
    print(f"without torchvision: {problem}", file=sys.stderr)

# Registered by Python modules of PyTorch, never by its C++ libraries: no runtime for saved models has them.
PYTHON_NAMESPACES = ("prims", "nvprims", "rngprims", "debugprims")

by_name = {}
for schema in torch._C._jit_get_all_schemas():
    if schema.name.split("::")[0] not in PYTHON_NAMESPACES:
        by_name.setdefault(schema.name, []).append(str(schema))
for name, schemas in by_name.items():
    looked_up = [str(schema) for schema in torch._C._jit_get_schemas_for_operator(name)]
    if looked_up != schemas:
        sys.exit(f"{name}: listing and lookup differ in order")

version = torch.__version__ + (f", torchvision {torchvision.__version__}" if torchvision else "")
json.dump({"version": version, "schemas": [text for schemas in by_name.values() for text in schemas]}, sys.stdout, indent=0)
