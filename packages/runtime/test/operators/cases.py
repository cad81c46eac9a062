"""Cases for operators, made by the installed PyTorch.

    python3 cases.py --list [--only PATTERN]...                        names of all operators that there are cases for, one a line
    python3 cases.py --known < names                                   those of the names that this PyTorch has
    python3 cases.py --into FOLDER [--only PATTERN]... [--count 300]   <operator>.jsonl and <operator>.bin for each, see record.py

A file that is already there is kept: its name holds the count and a hash of the sources that it was made from.
"""
import argparse
import fnmatch
import hashlib
import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
import traceback
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")

# Of the cases of an operator, how many may be refusals; and how often it is tried again for a case that PyTorch's CPU lacks.
REFUSALS = 0.1
ATTEMPTS = 4
# How long making the cases of one operator may take.
SECONDS = 30


def tables():
    """(family, operator, generator, whether its results are sums of products of what it is given) of all families."""
    import families
    from record import with_outs
    seen = set()
    for module in pkgutil.iter_modules(families.__path__):
        family = importlib.import_module("families." + module.name)
        for name, generate in family.CASES.items():
            linear = name in getattr(family, "LINEAR", ())
            for one, make in ((name, generate), *with_outs(name, generate)):
                if one not in seen:
                    seen.add(one)
                    yield module.name, one, make, linear


def digest(*files):
    hashed = hashlib.sha256()
    for file in files:
        with open(file, "rb") as source:
            hashed.update(source.read())
    return hashed.hexdigest()[:12]


def make(name, generate, linear, count, blob):
    """The cases of one operator. Equal ones are left out, so there may be fewer."""
    from gen import Gen
    from record import Dropped, fingerprint, record, schema_of
    schema = schema_of(name)
    seen, refusals, made = set(), 0, 0
    for attempt in range(count * ATTEMPTS):
        if made == count:
            return
        gen, begin = Gen("%s %d" % (name, attempt)), blob.tell()
        try:
            case = record(name, schema, generate(gen), linear, blob)
        except Dropped:
            blob.seek(begin)
            continue
        key = fingerprint(case)
        if key in seen or "raises" in case and refusals >= count * REFUSALS:
            blob.seek(begin)
            continue
        seen.add(key)
        seen.discard(None)
        refusals += "raises" in case
        made += 1
        case["id"] = attempt
        yield case


def write(folder, family, name, generate, linear, count, hashed):
    """Returns what is to be told of the operator."""
    from record import schema_of
    if schema_of(name) is None:
        return {"operator": name, "family": family, "absent": True}
    base = os.path.join(folder, "%s.%d.%s" % (name.replace("::", "__"), count, hashed))
    if not os.path.exists(base + ".jsonl"):
        # What earlier sources made.
        for file in os.listdir(folder):
            if file.startswith("%s.%d." % (name.replace("::", "__"), count)) and hashed[12:] in file and hashed not in file:
                os.remove(os.path.join(folder, file))
        handle, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as index, open(base + ".bin.%d" % os.getpid(), "wb") as blob:
            for case in make(name, generate, linear, count, blob):
                index.write((json.dumps(case, separators=(",", ":")) + "\n").encode())
            blob.truncate()
        os.replace(base + ".bin.%d" % os.getpid(), base + ".bin")
        os.replace(temporary, base + ".jsonl")
    return {"operator": name, "family": family, "index": base + ".jsonl", "blob": base + ".bin"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--into")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--debug", action="store_true")
    options = parser.parse_args()
    import torch
    if options.known:
        from record import schema_of
        print("\n".join(name for name in sys.stdin.read().split() if schema_of(name)))
        return
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    exact, patterns = set(options.only), [pattern for pattern in options.only if "*" in pattern]
    wanted = [row for row in tables() if not options.only or row[1] in exact or any(fnmatch.fnmatchcase(row[1], pattern) for pattern in patterns)]
    if options.list:
        print("\n".join(sorted(name for _, name, _, _ in wanted)))
        return
    os.makedirs(options.into, exist_ok=True)
    common = [os.path.join(HERE, file) for file in ("cases.py", "gen.py", "record.py", "families/__init__.py")]
    hashes = {family: digest(*common, os.path.join(HERE, "families", family + ".py")) + torch.__version__ for family, *_ in wanted}
    for family, name, generate, linear in wanted:
        try:
            row = apart(lambda: write(options.into, family, name, generate, linear, options.count, hashes[family]))
        except Exception as error:
            row = {"operator": name, "family": family, "error": "%s: %s" % (type(error).__name__, str(error)[:300])}
            if options.debug:
                traceback.print_exc()
        print(json.dumps(row), flush=True)


def apart(work):
    """Works in a process of its own, so that a crash of PyTorch ends that one alone."""
    if not hasattr(os, "fork"):
        return work()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        try:
            answer = {"row": work()}
        except BaseException as error:
            answer = {"error": "%s: %s" % (type(error).__name__, str(error)[:300]), "trace": traceback.format_exc()}
        os.write(writer, json.dumps(answer).encode()[:60000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if not text:
        raise RuntimeError("PyTorch ran for too long" if status == signal.SIGALRM else "PyTorch crashed, with %d" % status)
    answer = json.loads(text)
    if "error" in answer:
        sys.stderr.write(answer["trace"])
        raise RuntimeError(answer["error"])
    return answer["row"]


main()
