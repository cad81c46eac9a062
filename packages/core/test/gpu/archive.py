"""Reads what an archive (.pt, .ptl) holds, without running it: attributes with the states of packed weights, and the bytecode's operators."""

import collections
import hashlib
import io
import pickle
import zipfile
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch


class Object(NamedTuple):
    """An instance of a class in the archive, as it was pickled."""

    name: str
    state: Any


class Call(NamedTuple):
    """An operator of a method, in the order of instructions. `context` is the packed object it is given last, if it is given one."""

    operator: str
    context: Optional[Object]
    # The attribute of the module that holds the context; None for a constant.
    attribute: Optional[str]


class Reader:
    """A pickled record. Every class becomes Object; tensors are views of their storages, as in the runtime."""

    def __init__(self, archive: zipfile.ZipFile):
        self.archive = archive
        self.root = archive.namelist()[0].split("/")[0]
        self.storages: Dict[str, torch.Tensor] = {}

    def has(self, record: str) -> bool:
        return f"{self.root}/{record}" in self.archive.namelist()

    def read(self, record: str, folders: Tuple[str, ...]) -> Any:
        reader = self

        class Unpickler(pickle.Unpickler):
            def find_class(self, module, name):
                return reader.constructor(module, name)

            def persistent_load(self, key):
                kind, storage_type, name, _, count = key
                assert kind == "storage"
                return reader.storage(storage_type, name, count, folders)

        return Unpickler(io.BytesIO(self.archive.read(f"{self.root}/{record}")), encoding="utf-8").load()

    def storage(self, storage_type, name: str, count: int, folders: Tuple[str, ...]) -> torch.Tensor:
        for folder in folders:
            record = f"{folder}{name}"
            if not self.has(record):
                continue
            if record not in self.storages:
                data = self.archive.read(f"{self.root}/{record}")
                dtype = storage_type
                self.storages[record] = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
            return self.storages[record]
        raise ValueError(f"no storage {name} in {folders}")

    def constructor(self, module: str, name: str) -> Any:
        qualified = f"{module}.{name}"
        if qualified == "torch._utils._rebuild_tensor_v2":
            return lambda storage, offset, sizes, strides, *_: torch.as_strided(storage, sizes, strides, offset)
        if qualified == "torch._utils._rebuild_qtensor":
            return lambda storage, offset, sizes, strides, quantizer, *_: Object("quantized", (torch.as_strided(storage, sizes, strides, offset), quantizer))
        if qualified == "collections.OrderedDict":
            return collections.OrderedDict
        if qualified == "torch.device":
            return torch.device
        if module == "torch" and name.endswith("Storage"):
            return STORAGES[name]
        if module.startswith("torch.jit._pickle"):
            return {"build_intlist": list, "build_tensorlist": list, "build_boollist": list, "build_doublelist": list,
                    "restore_type_tag": lambda value, _: value}[name]
        if module == "torch" and hasattr(torch, name):
            return getattr(torch, name)

        class Instance:
            def __new__(cls, *args):
                return pickled(qualified)

        return Instance


STORAGES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16, "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool, "QInt8Storage": torch.int8, "QUInt8Storage": torch.uint8, "QInt32Storage": torch.int32,
    "ComplexFloatStorage": torch.complex64, "ComplexDoubleStorage": torch.complex128,
}


class pickled:
    """Filled by BUILD."""

    def __init__(self, name: str):
        self.name, self.state = name, None

    def __setstate__(self, state):
        self.state = state


def _module_attributes(root: pickled) -> Dict[str, Any]:
    return {name: Object(value.name, value.state) if isinstance(value, pickled) else value for name, value in root.state.items()}


class Archive:
    """`attributes` of the module in the order of its class; `methods`, name to calls, where there is bytecode."""

    def __init__(self, path: str):
        with zipfile.ZipFile(path) as file:
            reader = Reader(file)
            self.attributes: Dict[str, Any] = _module_attributes(reader.read("data.pkl", ("data/", "")))
            self.methods: Dict[str, List[Call]] = {}
            # How many conditional jumps each method has.
            self.branches: Dict[str, int] = {}
            self.version: Optional[int] = None
            if reader.has("bytecode.pkl"):
                self.version, *methods = reader.read("bytecode.pkl", ("constants/", "data/", ""))
                for name, fields, *_ in methods:
                    table = dict(fields)
                    self.branches[name.split(".")[-1]] = sum(code == "JF" for code, _, _ in table["instructions"])
                    self.methods[name.split(".")[-1]] = _calls(table["instructions"], table["operators"], table["constants"], list(self.attributes.items()))


def _calls(instructions, operators, constants, attributes) -> List[Call]:
    """Follows which attribute or constant is the last argument of each operator."""
    calls, registers, top = [], {}, (None, None)
    for code, x, _ in instructions:
        if code in ("LOAD", "MOVE"):
            top = registers.get(x, (None, None))
        elif code in ("STORE", "STOREN"):
            registers[x] = top
        elif code == "GET_ATTR":
            # Of an object that the module holds, or of the module.
            owner = top[1]
            name, value = (list(owner.state.items()) if isinstance(owner, Object) else attributes)[x]
            top = (name, Object(value.name, value.state) if isinstance(value, pickled) else value)
        elif code == "LOADC":
            value = constants[x]
            top = (None, Object(value.name, value.state) if isinstance(value, pickled) else value)
        elif code in ("OP", "OPN"):
            operator = ".".join(part for part in operators[x][:2] if part)
            attribute, value = top
            held = isinstance(value, Object)
            calls.append(Call(operator, value if held else None, attribute if held else None))
            top = (None, None)
        else:
            top = (None, None)
    return calls


def describe(value: Any) -> str:
    """One line: tensors by sizes, strides, a digest of their values and the first of them."""
    if isinstance(value, torch.Tensor):
        digest = hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()[:12]
        first = ", ".join(f"{x:.6g}" for x in value.flatten()[:3].tolist())
        return f"{str(value.dtype)[6:]}{list(value.shape)} strides {list(value.stride())} offset {value.storage_offset()} #{digest} ({first}…)"
    if isinstance(value, (Object, pickled)):
        return f"{value.name} {describe(value.state)}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(map(describe, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    return repr(value)


def dump(path: str) -> str:
    archive = Archive(path)
    lines = [f"attributes: {len(archive.attributes)}"]
    lines += [f"  {name}: {describe(value)}" for name, value in archive.attributes.items()]
    for name, calls in archive.methods.items():
        lines.append(f"{name}, bytecode version {archive.version}: {len(calls)} operators")
        lines += [f"  {call.operator}" + (f"  <- {call.attribute or 'constant ' + describe(call.context)}" if call.context else "") for call in calls]
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    print(dump(sys.argv[1]))
