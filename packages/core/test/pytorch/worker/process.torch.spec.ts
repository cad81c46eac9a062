import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { torchPythons } from '../../support/torch.ts'
import { type Project, project, Worker } from '../../support/worker.ts'

const NET = `
import torch
class Net(torch.nn.Module):
    def __init__(self, n=4):
        super().__init__()
        self.first = torch.nn.Linear(n, 4)
        self.second = torch.nn.Linear(4, 2)
    def forward(self, x):
        return self.second(torch.relu(self.first(x)))
model = Net()
example_inputs = torch.rand(1, 4)
`

const opened: Project[] = []
const make = (files: Record<string, string>): Project => {
  const made = project(files)
  opened.push(made)
  return made
}
afterAll(() => { for (const each of opened) each.remove() })

describe.each(torchPythons)('the worker of $name', ({ executable, version }) => {
  const worker = new Worker(executable)
  afterAll(() => worker.close())
  const convert = (text: string): ReturnType<Worker['convert']> => worker.convert(make({ 'net.py': text }).job())

  it('greets before it imports torch, and imports it for the first job only', async () => {
    expect(await worker.hello).toEqual({ protocol: 1, python: expect.stringMatching(/^3\.\d+\.\d+$/) })
    const first = await convert(NET)
    expect(first.failure).toBeUndefined()
    expect(first.result!.facts.torch).toBe(version)
    expect(first.phases[0]).toBe('importing torch')
    expect((await convert(NET)).phases).not.toContain('importing torch')
  })

  it('keeps what is printed out of its messages, whoever prints it', async () => {
    const answer = await convert(`
import ctypes, os, subprocess, sys
print("from print")
sys.__stdout__.write("from stdout\\n")
os.write(1, b"from descriptor 1\\n")
subprocess.run([sys.executable, "-c", "print('from a child')"])
ctypes.CDLL(None).puts(b"from C")
ctypes.CDLL(None).fflush(None)
${NET}`)
    expect(answer.failure).toBeUndefined()
    for (const words of ['from print', 'from stdout', 'from descriptor 1', 'from a child', 'from C']) expect(worker.printed).toContain(words)
  })

  it('gives a model that reads its standard input an end of file', async () => {
    const { failure } = await convert(`name = input("which? ")\n${NET}`)
    expect(failure).toMatchObject({ code: 'MODEL_RAISED', exception: 'EOFError', line: 1 })
  })

  it.each([
    ['on import', `import sys\nsys.exit("no weights")\n${NET}`, 2, 'no weights'],
    ['in forward', NET.replace('        return', '        import sys; sys.exit(3)\n        return'), 9, '3'],
    ['by its command line',
      `import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument("--size", required=True)\nparser.parse_args()\n${NET}`,
      4, '2'],
  ])('takes sys.exit %s for a failure', async (_, text, line, words) => {
    const { failure } = await convert(text)
    expect(failure).toMatchObject({ code: 'MODEL_EXITED', exception: 'SystemExit', line, file: expect.stringMatching(/net\.py$/) })
    expect(failure!.what).toContain(words)
  })

  it('survives sys.exit where Python ignores or postpones it', async () => {
    const text = 'import atexit, sys\natexit.register(sys.exit, 4)\nclass Late:\n    def __del__(self): sys.exit(5)\nLate()\n'
    expect((await convert(text + NET)).failure).toBeUndefined()
    expect((await convert(NET)).failure).toBeUndefined()
  })

  it.each([
    ['an exception',
      'raise ValueError("bad size: 3")\n', { code: 'MODEL_RAISED', exception: 'ValueError', line: 1 }, 'ValueError: bad size: 3'],
    ['KeyboardInterrupt', '\nraise KeyboardInterrupt\n', { code: 'MODEL_RAISED', line: 2 }, 'KeyboardInterrupt'],
    ['an endless recursion',
      'def f(n):\n    return f(n)\nf(1)\n', { code: 'MODEL_RAISED', exception: 'RecursionError', line: 2 }, 'without an end'],
    ['no memory', 'raise MemoryError\n', { code: 'OUT_OF_MEMORY', line: 1 }, 'memory'],
    ['a syntax error', 'def f(:\n    pass\n', { code: 'SYNTAX_ERROR', line: 1, column: expect.any(Number) }, 'net.py'],
    ['bad indentation', 'def f():\nreturn 1\n', { code: 'SYNTAX_ERROR', exception: 'IndentationError', line: 2 }, 'indented'],
  ])('tells the place of %s', async (_, text, expected, words) => {
    const { failure } = await convert(text + NET)
    expect(failure).toMatchObject({ ...expected, file: expect.stringMatching(/net\.py$/) })
    expect(failure!.what).toContain(words)
    expect(failure!.what).not.toContain('Traceback')
    expect(failure!.dependencies).toEqual([failure!.file])
  })

  it('names a missing package, the file that needs it, and how to install it into this Python', async () => {
    const { root, job, path } = make({ 'net.py': 'import helper\n', 'helper.py': 'import os\nimport cv2_of_nobody.core\n' })
    const { failure } = await worker.convert(job())
    expect(failure).toMatchObject({
      code: 'MODULE_MISSING', what: 'helper.py imports `cv2_of_nobody`, which this Python does not have.',
      file: path('helper.py'), line: 2, fix: `Install it: "${executable}" -m pip install cv2_of_nobody`,
    })
    expect(failure!.dependencies).toEqual([path('net.py'), path('helper.py')])
    expect(root).toBeDefined()
  })

  it.each([
    ['a relative import', { 'net.py': 'from .blocks import Block\n' }, '`.blocks`'],
    ['a module of a folder', { 'net.py': 'import blocks.conv\n', 'blocks/linear.py': '' }, '`blocks.conv`'],
    ['a module of a package', { 'net.py': 'import blocks.conv\n', 'blocks/__init__.py': '' }, '`blocks.conv`'],
  ])('tells %s that is missing from a missing package', async (_, files, named) => {
    const { failure } = await worker.convert(make(files).job())
    expect(failure).toMatchObject({ code: 'MODULE_MISSING', line: 1, fix: 'Add the file, or correct the import.' })
    expect(failure!.what).toContain(named)
  })

  it('explains a relative import that leads too far', async () => {
    const { failure } = await worker.convert(make({ 'pkg/__init__.py': '', 'pkg/net.py': 'from ..other import x\n' }).job({ file: 'pkg/net.py' }))
    expect(failure).toMatchObject({ code: 'MODULE_MISSING', line: 1, cause: expect.stringContaining('__init__.py') })
  })

  it('puts back what a model changed in the process', async () => {
    const rude = `
import os, random, sys, torch, warnings
os.environ["RUDE"] = "1"; os.chdir("/"); sys.path.insert(0, "/nowhere"); sys.argv.append("x")
torch.set_default_dtype(torch.float64); torch.set_num_threads(1); torch.set_grad_enabled(False); torch.manual_seed(7); random.seed(7)
warnings.simplefilter("error"); sys.setrecursionlimit(333); sys.stdout = None; sys.modules["json"] = None
torch.nn.modules.module.register_module_forward_hook(lambda *a: 1 / 0)
if hasattr(torch, "set_default_device"): torch.set_default_device("meta")
`
    const polite = `
import os, random, sys, torch, json
assert "RUDE" not in os.environ and "/nowhere" not in sys.path and len(sys.argv) == 1 and sys.stdout is not None
assert os.path.samefile(os.getcwd(), os.path.dirname(__file__)) and sys.getrecursionlimit() > 333
assert torch.get_default_dtype() is torch.float32 and torch.is_grad_enabled() and torch.rand(1).device.type == "cpu"
assert not hasattr(torch, "get_default_device") or torch.get_default_device().type == "cpu"
import warnings; warnings.warn("just a word")
torch.manual_seed(0); first = torch.rand(1); torch.manual_seed(0)
`
    await convert(rude + NET)
    expect((await convert(polite + NET)).failure).toBeUndefined()
  })

  it('writes nothing beside the sources, and nothing at all when a job fails', async () => {
    const { job, root, output } = make({ 'net.py': 'import helper\nfrom helper import model', 'helper.py': `${NET}\nmodel = 5` })
    expect((await worker.convert(job())).failure).toMatchObject({ code: 'NOT_A_MODEL' })
    expect(readdirSync(root).toSorted()).toEqual(['helper.py', 'net.py'])
    expect(readdirSync(dirname(output))).toEqual(['app'])
  })

  it('ends when the requests end, while a model loops', async () => {
    const own = new Worker(executable)
    void own.convert(make({ 'net.py': 'print("looping", flush=True)\nwhile True: pass\n' }).job()).catch(() => {})
    await expect.poll(() => own.printed, { timeout: 60_000 }).toContain('looping')
    expect(await own.close()).toBe(0)
  })

  it('says which line a crash of native code came from', async () => {
    const own = new Worker(executable)
    await expect(own.convert(make({ 'net.py': 'import ctypes\nctypes.string_at(0)\n' }).job())).rejects.toThrow(/net\.py", line 2/)
  })
})

describe.each(torchPythons.slice(0, 1))('a Python whose PyTorch is no use', ({ executable }) => {
  const files = { 'app/net.py': NET }
  const asked = async (torch: Record<string, string>): Promise<unknown> => {
    const made = make({ ...files, ...torch })
    const own = new Worker(executable, { PYTHONPATH: made.root })
    const { failure } = await own.convert(made.job({ file: 'app/net.py' }))
    await own.close()
    return failure
  }

  it('is told when it is broken', async () => {
    expect(await asked({ 'torch/__init__.py': 'raise ImportError("libtorch_cpu.so: cannot open shared object file")' })).toMatchObject({
      code: 'TORCH_BROKEN', exception: 'ImportError', what: expect.stringContaining('libtorch_cpu.so'), fix: expect.stringContaining('-m pip install torch'),
    })
    expect(await asked({ 'torch/__init__.py': 'import numpy_of_nobody' })).toMatchObject({ code: 'TORCH_BROKEN', what: expect.stringContaining('numpy_of_nobody') })
  })

  it('is told when it makes no TorchScript', async () => {
    const release = { 'torch/__init__.py': 'from . import jit\n__version__ = "3.1.0"', 'torch/jit.py': '' }
    expect(await asked(release)).toMatchObject({
      code: 'TORCHSCRIPT_REMOVED', what: 'PyTorch 3.1.0 no longer makes TorchScript.', fix: expect.stringContaining('torch==2.6.0'),
    })
  })

  it('is told when it refuses to be asked for TorchScript', async () => {
    const text = `${NET}
def script(*args, **options): raise RuntimeError("\`torch.jit.script\` is deprecated. Please switch to \`torch.compile\` or \`torch.export\`.")
torch.jit.script = script
import os
assert os.environ["TORCH_2_14_ONLY_UNSAFE_SILENCE_TORCHSCRIPT_ERROR"] == "I promise to migrate by 2.15"
`
    const own = new Worker(executable)
    const { failure } = await own.convert(make({ 'net.py': text }).job({ convert: 'script' }))
    await own.close()
    expect(failure).toMatchObject({ code: 'TORCHSCRIPT_REMOVED' })
  })

  it('is told when it has none', async () => {
    const own = new Worker(executable, { PYTHONPATH: make({ 'sitecustomize.py': 'import sys\nsys.path[:] = [p for p in sys.path if "-packages" not in p]' }).root })
    const { failure } = await own.convert(make(files).job({ file: 'app/net.py' }))
    await own.close()
    expect(failure).toMatchObject({ code: 'NO_PYTORCH', exception: 'ModuleNotFoundError', fix: expect.stringContaining(`"${executable}" -m pip install`) })
  })
})

describe.each(torchPythons)('archives of $name', ({ executable }) => {
  const BODY = `
import torch
from typing import NamedTuple
from torch import nn
class Pair(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor
@torch.jit._overload
def twice(x: int) -> int: ...
@torch.jit._overload
def twice(x: float) -> float: ...
def twice(x): return x + x
def helper(x): return x * 2 if bool(x.sum() > 0) else x
@torch.jit.script
def plus(x): return x + 1
class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.linear, self.n, self.drop = nn.Linear(n, 4), n, nn.Dropout(0.1, True)
    def forward(self, x): return helper(self.drop(self.linear(x))) * self.n
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = Block(4), nn.Sequential(Block(4), nn.Linear(4, 5)), Block(5)
    def forward(self, x):
        y = self.c(self.b(self.a(x)))
        pair = Pair(y, y)
        return plus(pair.a) * twice(2) * twice(1.5) + nn.functional.interpolate(y[None, None], scale_factor=2.0).sum()
example_inputs = torch.rand(2, 4)
`
  const one = make({ 'net.py': BODY })
  const two = make({ 'net.py': BODY })
  const other = make({ 'net.py': BODY.replace('* self.n', '+ self.n').replace('nn.Linear(n, 4)', 'nn.Linear(n, 4, bias=False)') })

  /** The TorchScript of an archive, by entry, without the records that tell lines of the sources. */
  const code = (file: string): Record<string, string> => {
    const text = `import json, sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])
print(json.dumps({n: z.read(n).hex() for n in z.namelist() if not n.endswith((".debug_pkl", "serialization_id"))}))`
    return JSON.parse(spawnSync(executable, ['-c', text, file], { encoding: 'utf8', maxBuffer: 1 << 28 }).stdout) as Record<string, string>
  }

  it.each(['script', 'trace'] as const)('do not depend on the jobs before, nor on the folder: %s', async (method) => {
    const convert = method === 'script' ? 'script' : 'trace'
    const alone = new Worker(executable)
    expect((await alone.convert(one.job({ convert }))).failure).toBeUndefined()
    await alone.close()
    const bytes = readFileSync(one.output)

    const busy = new Worker(executable)
    for (const before of ['script', 'trace', 'script'] as const) {
      expect((await busy.convert(other.job({ convert: before }))).failure).toBeUndefined()
    }
    await busy.convert(one.job({ convert }))
    expect(readFileSync(one.output).equals(bytes)).toBe(true)
    await busy.convert(two.job({ convert }))
    await busy.close()
    expect(code(two.output)).toEqual(code(one.output))
  })
})
