import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Argument, InputSpec } from '../../../src/conversion-request.ts'
import type { RawConversion, WorkerFailure } from '../../../src/pytorch/protocol.ts'
import { Python } from '../../support/python.ts'
import { torchPythons } from '../../support/torch.ts'
import { type JobChanges, type Project, project, Worker } from '../../support/worker.ts'

/** A model whose output tells which class was made and with what: `scale * x + shift`. */
const net = (name: string, scale = 1): string => `
class ${name}(nn.Module):
    def __init__(self, scale=${scale}, shift=0.0, on: bool = True):
        super().__init__()
        self.scale, self.shift = scale, shift
    def forward(self, x, y=torch.zeros(1)):
        return x * self.scale + self.shift + y
`
const HEAD = 'import torch\nfrom torch import nn\n'
const X: InputSpec = { kind: 'tensor', dtype: 'float32', shape: [2, 3] }
const of = (...values: Argument['value'][]): Argument[] => values.map((value) => ({ value }))

const opened: Project[] = []
afterAll(() => { for (const each of opened) each.remove() })

describe.each(torchPythons)('loading in $name', ({ executable, version }) => {
  const worker = new Worker(executable)
  const python = new Python(executable)
  afterAll(async () => {
    python.close()
    await worker.close()
  })
  /** What an archive gives for ones. */
  const run = (file: string): Promise<unknown> =>
    python.run('/', `result = torch.jit.load(${JSON.stringify(file)})(torch.ones(2, 3)).max().item()`)
  const make = (files: Record<string, string>): Project => {
    const made = project(files)
    opened.push(made)
    return made
  }
  /** The conversion of a project and what its model gives for ones: `scale + shift`. */
  const loaded = async (files: Record<string, string>, changes: JobChanges = {}): Promise<RawConversion & { value: number; project: Project }> => {
    const made = make(files)
    const { result, failure } = await worker.convert(made.job({ input: [X], ...changes }))
    expect(failure).toBeUndefined()
    return { ...result!, value: Number(await run(made.output)), project: made }
  }
  const refused = async (files: Record<string, string>, changes: JobChanges = {}): Promise<WorkerFailure> => {
    const { failure } = await worker.convert(make(files).job({ input: [X], ...changes }))
    expect(failure).toBeDefined()
    return failure!
  }
  describe('modules', () => {
    const blocks = `${HEAD}from .parts import scale\n${net('Net').replace('scale=1', 'scale=scale')}`

    it.each<[string, Record<string, string>, string, string[]]>([
      ['beside the file',
        { 'net.py': `${HEAD}from parts import scale\n${net('Net', 1).replace('scale=1', 'scale=scale')}`, 'parts.py': 'scale = 7' },
        'net.py', ['net.py', 'parts.py']],
      ['of a package', { 'pkg/__init__.py': '', 'pkg/sub/__init__.py': 'from ..base import scale', 'pkg/base.py': 'scale = 7',
        'pkg/sub/net.py': `${HEAD}from ..base import scale as s\nfrom pkg.sub import scale\n${net('Net').replace('scale=1', 'scale=scale')}` },
      'pkg/sub/net.py', ['pkg/sub/net.py', 'pkg/__init__.py', 'pkg/base.py', 'pkg/sub/__init__.py']],
      ['relative to a file in no package', { 'net.py': blocks, 'parts.py': 'scale = 7' }, 'net.py', ['net.py', 'parts.py']],
      ['two folders up, in no package',
        { 'a/b/net.py': blocks.replace('.parts', '..parts'), 'a/parts.py': 'scale = 7' }, 'a/b/net.py', ['a/b/net.py', 'a/parts.py']],
      ['from the root',
        { 'web/net.py': blocks.replace('.parts', 'models.parts'), 'models/parts.py': 'scale = 7' }, 'web/net.py', ['web/net.py',
        'models/parts.py']],
      ['of a file with an odd name',
        { '2 my-nët.v1.py': blocks, 'parts.py': 'scale = 7' }, '2 my-nët.v1.py', ['2 my-nët.v1.py', 'parts.py']],
      ['of a file named as one of the standard library',
        { 'random.py': blocks, 'parts.py': 'import random\nscale = 7 if random.random() < 1 else 0' },
        'random.py', ['random.py', 'parts.py']],
      ['of files named as those of the worker',
        { 'inputs.py': `${HEAD}from checking import scale\n${net('Net').replace('scale=1', 'scale=scale')}`, 'checking.py': 'scale = 7' },
        'inputs.py', ['inputs.py', 'checking.py']],
      ['of a package that is the source',
        { 'pkg/__init__.py': blocks, 'pkg/parts.py': 'scale = 7' }, 'pkg/__init__.py', ['pkg/__init__.py', 'pkg/parts.py']],
    ])('%s', async (_, files, file, dependencies) => {
      const found = await loaded(files, { file, convert: 'trace' })
      expect(found.value).toBe(7)
      expect(found.dependencies).toEqual(dependencies.map((name) => found.project.path(name)))
      expect((await worker.convert(found.project.job({ file, input: [X], convert: 'script' }))).failure).toBeUndefined()
    })

    it('are those of this project, not of the one before', async () => {
      for (const scale of [3, 4]) {
        const { value } = await loaded({ 'net.py': `${HEAD}from parts import scale\n${net('Net').replace('scale=1', 'scale=scale')}`, 'parts.py': `scale = ${scale}` })
        expect(value).toBe(scale)
      }
    })
  })

  describe('the entry', () => {
    it.each<[string, string, JobChanges, number]>([
      ['a ready model', `${net('Net')}\nmodel = Net(5)`, {}, 5],
      ['a class named model', net('model', 5), {}, 5],
      ['a factory by its name', `${net('Net')}\n${net('Other')}\ndef build_net(n=5): return Net(n)`, {}, 5],
      ['the only model object', `${net('Net')}\n${net('Other')}\nnetwork = Net(5)\nloss = nn.MSELoss()`, {}, 5],
      ['the only class', net('Net', 5), {}, 5],
      ['the class that no other uses',
        `${net('Part')}\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.part = Part(5)\n    def forward(self, x): return self.part(x)\nif __name__ == "__main__": Net()`, {}, 5],
      ['the class that no other uses through a function', `${net('Part')}
def part(): return Part(5)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = part()
    def forward(self, x): return self.part(x)
def train(): return Net()`, {}, 5],
      ['a class', `${net('Net')}\n${net('Other', 5)}`, { entry: 'Other' }, 5],
      ['a function', `${net('Net')}\nmodel = Net(3)\ndef mine(): return Net(5)`, { entry: 'mine' }, 5],
      ['a dotted name', `${net('Net')}\nclass zoo:\n    small = Net(5)`, { entry: 'zoo.small' }, 5],
      ['a scripted module', `${net('Net')}\nmodel = torch.jit.script(Net(5))`, { convert: 'script' }, 5],
      ['arguments by position', net('Net'), { args: of(5) }, 5],
      ['arguments by name', net('Net'), { args: [{ value: 2 }, { name: 'shift', value: 3.5 }, { name: 'on', value: false }] }, 5.5],
      ['arguments of a function',
        `${net('Net')}\ndef make_model(n, *, more): return Net(n, more)`, { args: [{ value: 1 }, { name: 'more', value: 4 }] }, 5],
    ])('is %s', async (_, text, changes, value) => {
      expect((await loaded({ 'net.py': HEAD + text }, changes)).value).toBe(value)
    })

    it.each<[string, string, JobChanges, string, RegExp]>([
      ['several classes', net('A') + net('B'), {}, 'ENTRY_AMBIGUOUS', /several model classes: A, B.*entry=B/s],
      ['several factories',
        `${net('A')}\ndef make_net(): return A()\ndef make_model(): return A()`, {}, 'ENTRY_AMBIGUOUS', /make_model, make_net/],
      ['several objects', `${net('A')}\na = A()\nb = A()`, {}, 'ENTRY_AMBIGUOUS', /models: a, b/],
      ['nothing', 'x = 1', {}, 'ENTRY_MISSING', /has no model/],
      ['a wrong name', net('A'), { entry: 'B' }, 'ENTRY_MISSING', /has no `B`.*The file has: A/s],
      ['a wrong dotted name', `${net('A')}\na = A()`, { entry: 'a.b.c' }, 'ENTRY_MISSING', /`a.b.c`/],
      ['a number', 'model = 3', {}, 'NOT_A_MODEL', /`model` .*is a `int`/],
      ['another class', 'class Model: pass', { entry: 'Model' }, 'NOT_A_MODEL', /is a class that is no nn.Module/],
      ['a scripted function', '@torch.jit.script\ndef f(x): return x\n', { entry: 'f' }, 'NOT_A_MODEL', /is a scripted function/],
      ['a function that returns several', `${net('A')}\ndef make_model(): return A(), 1`, {}, 'NOT_A_MODEL', /returns a `tuple`/],
      ['arguments for a ready model', `${net('A')}\nmodel = A()`, { args: of(1) }, 'BAD_ARGS', /ready model/],
      ['too many arguments',
        net('A'), { args: of(1, 2, true, 4) }, 'BAD_ARGS', /does not fit A\(scale=1, shift=0.0, on: bool = True\): too many/],
      ['an unknown argument', net('A'), { args: [{ name: 'size', value: 1 }] }, 'BAD_ARGS', /size/],
      ['no arguments', net('A').replace('scale=1', 'scale'), {}, 'BAD_ARGS', /Give `scale`/],
    ])('is refused: %s', async (_, text, changes, code, words) => {
      const failure = await refused({ 'net.py': HEAD + text }, changes)
      expect(failure.code).toBe(code)
      expect([failure.what, failure.cause, failure.fix].join(' ')).toMatch(words)
    })
  })

  describe('example inputs', () => {
    const base = HEAD + net('Net')
    it.each<[string, string, string[]]>([
      ['a tensor', 'torch.rand(2, 4)', ['2x4']],
      ['a tuple', '(torch.rand(2, 4), torch.rand(1))', ['2x4', '1']],
      ['several calls', '[(torch.rand(2, 4), torch.rand(4)), (torch.rand(3, 4), torch.rand(4))]', ['2x4', '4']],
      ['a function', 'lambda: (torch.rand(2, 4),)', ['2x4']],
      ['tensors that need a gradient', 'torch.rand(2, 4, requires_grad=True) * 2', ['2x4']],
      ['whole numbers', '(torch.ones(2, dtype=torch.int32),)', ['int32[2]']],
    ])('of the file: %s', async (_, value, inputs) => {
      const { result, failure } = await worker.convert(make({ 'net.py': `${base}\nexample_inputs = ${value}` }).job())
      expect(failure).toBeUndefined()
      expect(result!.facts.inputs).toEqual(inputs)
    })

    it('by name', async () => {
      const { result, failure } = await worker.convert(make({ 'net.py': `${base}\nexample_inputs = {"y": torch.rand(4), "x": torch.rand(2, 4)}` }).job())
      expect(failure).toBeUndefined()
      expect(result!.facts.inputs!.toSorted()).toEqual(['2x4', '4'])
    })

    it('of the import win', async () => {
      expect((await loaded({ 'net.py': `${base}\ndef example_inputs(): raise ValueError` })).facts.inputs).toEqual(['2x3'])
    })

    it.each<[string, string, RegExp]>([
      ['an empty list', '[]', /`example_inputs` .*empty/],
      ['a list of tensors', '[torch.rand(1), torch.rand(2)]', /`example_inputs\[0\]` .*several calls/],
      ['an array', '(torch.rand(1), __import__("numpy").zeros(3))', /`example_inputs\[1\]` .*`ndarray`/],
      ['a text', '"1x3"', /`example_inputs` .*`str`/],
      ['a dict by number', '{0: torch.rand(1)}', /the key 0/],
      ['a function that returns nothing', 'lambda: None', /is None/],
    ])('are refused: %s', async (_, value, words) => {
      const failure = await refused({ 'net.py': `${base}\nexample_inputs = ${value}` }, { input: [] })
      expect(failure.code).toBe('BAD_EXAMPLE_INPUTS')
      expect(failure.what).toMatch(words)
    })

    it('that raise are a failure at their line', async () => {
      const text = `${base}\ndef example_inputs():\n    return torch.load("missing.pt")\n`
      expect(await refused({ 'net.py': text }, { input: [] })).toMatchObject({ code: 'MODEL_RAISED', exception: 'FileNotFoundError', line: text.split('\n').length - 1 })
    })

    it('ask for no more than their type holds', async () => {
      const failure = await refused({ 'net.py': base }, { input: [{ kind: 'tensor', dtype: 'int8', shape: [2], below: 1000 }] })
      expect(failure).toMatchObject({ code: 'BAD_INPUT', what: 'An input asks for int8 values below 1000, which the type cannot hold.' })
    })
  })

  describe('weights', () => {
    const files = { 'net.py': `${HEAD}
class Net(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(n))
        self.register_buffer("shift", torch.zeros(1))
    def forward(self, x):
        return x * self.scale + self.shift
` }
    const state = '{"scale": torch.full((3,), 4.0), "shift": torch.ones(1)}'
    const prefixed = '{"module." + k: v for k, v in state.items()}'

    const withWeights = async (saved: string, changes: JobChanges = {}): Promise<{ value: number; failure?: WorkerFailure; warnings: string[]; dependencies: string[] }> => {
      const made = make(files)
      await python.run(made.root, `state = ${state}\ntorch.save(${saved}, "w.pth")`)
      const { result, failure } = await worker.convert(made.job({ input: [X], weights: 'w.pth', ...changes }))
      const relative = (result ?? failure)!.dependencies.map((path) => path.slice(made.root.length + 1))
      return { value: failure ? NaN : Number(await run(made.output)), ...failure && { failure }, warnings: result?.warnings.map((each) => each.message) ?? [], dependencies: relative }
    }

    it.each<[string, string, string[]]>([
      ['alone', 'state', []],
      ['under state_dict', '{"state_dict": state, "epoch": 3}', ["The weights in w.pth were taken under the key 'state_dict'."]],
      ['under model', '{"model": state, "optimizer": {"step": 3}}', ["The weights in w.pth were taken under the key 'model'."]],
      ['of DataParallel', prefixed, ["The weights in w.pth were taken without the prefix 'module.'."]],
      ['of DataParallel in a checkpoint', `{"model_state_dict": ${prefixed}}`,
        ["The weights in w.pth were taken under the key 'model_state_dict' and without the prefix 'module.'."]],
    ])('%s', async (_, saved, warnings) => {
      const got = await withWeights(saved)
      expect(got.failure).toBeUndefined()
      expect(got).toMatchObject({ value: 5, warnings, dependencies: ['net.py', 'w.pth'] })
    })

    it.each<[string, string, string, RegExp, JobChanges?]>([
      ['missing keys', '{"scale": torch.ones(3)}', 'WEIGHTS_DO_NOT_FIT', /lacks shift/],
      ['unexpected keys', '{**state, "more": torch.ones(1)}', 'WEIGHTS_DO_NOT_FIT', /does not have more/],
      ['other sizes', 'state', 'WEIGHTS_DO_NOT_FIT', /scale is \[3\] where the model has \[5\]/, { args: of(5) }],
      ['only some with the prefix',
        '{"module.scale": state["scale"], "shift": state["shift"]}',
        'WEIGHTS_DO_NOT_FIT', /lacks scale; the model does not have module.scale/],
      ['no tensors', '{"scale": 3, "shift": 4}', 'BAD_WEIGHTS', /no state dict/],
      ['a list', '[torch.ones(1)]', 'BAD_WEIGHTS', /no state dict/],
      ['a whole model', 'nn.Linear(1, 1)', 'BAD_WEIGHTS', /can't be read as weights/],
    ])('are refused: %s', async (_, saved, code, words, changes) => {
      const { failure } = await withWeights(saved, changes)
      expect(failure?.code).toBe(code)
      expect(failure!.what).toMatch(words)
    })

    it('never run code that is in their file', async () => {
      const made = make(files)
      await python.run(made.root, 'class Evil:\n    def __reduce__(self): return (open, ("ran.txt", "w"))\ntorch.save({"scale": Evil()}, "w.pth")')
      expect((await worker.convert(made.job({ input: [X], weights: 'w.pth' }))).failure).toMatchObject({ code: 'BAD_WEIGHTS' })
      expect(existsSync(made.path('ran.txt'))).toBe(false)
    })

    it('that are not there, or damaged', async () => {
      expect(await refused(files, { weights: 'w.pth' })).toMatchObject({ code: 'WEIGHTS_MISSING', what: 'There is no file w.pth with weights.' })
      expect(await refused({ ...files, 'w.pth': 'not weights' }, { weights: 'w.pth' })).toMatchObject({ code: 'BAD_WEIGHTS' })
    })
  })

  describe('dependencies', () => {
    it('are the modules and the files that were read, and nothing that is installed or was written', async () => {
      const { dependencies, packages, project: { path } } = await loaded({
        'net.py': `${HEAD}
import json, os, tempfile
import torchvision.ops
from sub import data
open("log.txt", "w").write("x"); open("log.txt").read()
with open(tempfile.gettempdir() + "/elsewhere-of-petal", "w") as f: f.write("x")
open(tempfile.gettempdir() + "/elsewhere-of-petal").read()
names = open("names.txt").read()
with open("config.json") as f: config = json.load(f)
os.listdir(".")
${net('Net')}`,
        'config.json': '{}', 'names.txt': 'a', 'unused.txt': 'b', 'unused.py': '', 'sub/__init__.py': '', 'sub/data.py': 'try:\n    import einops_of_nobody\nexcept ImportError: pass\n',
      })
      expect(dependencies).toEqual(['net.py', 'config.json', 'names.txt', 'sub/__init__.py', 'sub/data.py'].map(path))
      expect(Object.keys(packages)).toEqual(['torchvision'])
      expect(packages['torchvision']).toMatch(/^\d+\.\d+/)
    })

    it('are told of a failure too', async () => {
      const failure = await refused({ 'net.py': 'import helper\nopen("a.txt")\nimport torchvision\nimport broken', 'helper.py': '', 'a.txt': '', 'broken.py': 'x = (' })
      expect(failure).toMatchObject({ code: 'SYNTAX_ERROR', file: expect.stringMatching(/broken\.py$/), packages: { torchvision: expect.any(String) } })
      expect(failure.dependencies.map((path) => path.split('/').at(-1))).toEqual(['net.py', 'a.txt', 'broken.py', 'helper.py'])
    })
  })

  describe('pickled models', () => {
    const files = { 'parts.py': `${HEAD}${net('Net', 5)}` }
    const job: JobChanges = { kind: 'checkpoint', file: 'm.pt', trust: true, input: [X] }
    const pickled = async (code: string, changes: JobChanges = {}): Promise<{ made: Project; result?: RawConversion; failure?: WorkerFailure }> => {
      const made = make(files)
      await python.run(made.root, `from parts import Net\n${code}`)
      return { made, ...await worker.convert(made.job({ ...job, ...changes })) }
    }

    it.each<[string, string, JobChanges?]>([
      ['alone', 'torch.save(Net(), "m.pt")'],
      ['in a checkpoint', 'torch.save({"epoch": 1, "model": Net(), "ema": None}, "m.pt")'],
      ['under the named key', 'torch.save({"a": Net(), "b": Net(3)}, "m.pt")', { entry: 'a' }],
    ])('load with trust: %s', async (_, code, changes) => {
      const { made, result, failure } = await pickled(code, changes)
      expect(failure).toBeUndefined()
      expect(result!.dependencies).toEqual([made.path('m.pt'), made.path('parts.py')])
    })

    it('do not load without it, so that nothing in them runs', async () => {
      const made = make(files)
      await python.run(made.root, 'class Evil:\n    def __reduce__(self): return (open, ("ran.txt", "w"))\ntorch.save(Evil(), "m.pt")')
      expect((await worker.convert(made.job({ ...job, trust: false }))).failure).toMatchObject({ code: 'UNTRUSTED', what: expect.stringContaining('m.pt') })
      expect(existsSync(made.path('ran.txt'))).toBe(false)
      await worker.convert(made.job(job))
      expect(existsSync(made.path('ran.txt'))).toBe(true)
    })

    it.each<[string, string, string, RegExp]>([
      ['weights alone', 'torch.save(Net().state_dict() or {"w": torch.ones(1)}, "m.pt")', 'WEIGHTS_ONLY', /holds weights/],
      ['weights in a checkpoint', 'torch.save({"state_dict": {"w": torch.ones(1)}}, "m.pt")', 'WEIGHTS_ONLY', /holds weights/],
      ['a class of a script', 'class Own(nn.Module): pass\ntorch.save(Own(), "m.pt")', 'CLASS_MISSING', /`Own`.*in the script/],
      ['a missing module',
        'import sys, types\nm = types.ModuleType("gone"); sys.modules["gone"] = m\nclass Own(nn.Module): pass\nOwn.__module__ = "gone"; m.Own = Own\ntorch.save(Own(), "m.pt")',
        'CLASS_MISSING', /the module `gone`/],
      ['a number', 'torch.save(3, "m.pt")', 'NOT_A_MODEL', /holds a `int`/],
      ['damage', 'open("m.pt", "w").write("no model")', 'BAD_CHECKPOINT', /can't be read/],
    ])('are refused: %s', async (_, code, expected, words) => {
      const { failure } = await pickled(code)
      expect(failure?.code).toBe(expected)
      expect(failure!.what).toMatch(words)
    })
  })

  describe('exported programs', () => {
    const exports = version.startsWith('2.')
    const made = make({})
    beforeAll(async () => {
      if (exports) {
        await python.run(made.root, `
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.register_buffer("shift", torch.full((1,), 5.0))
    def forward(self, x, more):
        rows = x.size(0)
        y = x.view(rows * 3).narrow(0, 0, rows * 3).view(rows, 3) + torch.arange(rows)[:, None] * (1.0 / rows)
        return self.linear(y) * 0 + self.shift + more["a"] + torch.zeros(rows, 3) + y * 10
import torch.export, logging; logging.disable()
size = torch.export.Dim("size")
x = torch.rand(4, 3)
torch.export.save(torch.export.export(Net(), (x, {"a": torch.zeros(3)}), dynamic_shapes=({0: size}, {"a": None})), "dynamic.pt2")
torch.export.save(torch.export.export(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval(), (x,)), "plain.pt2")
`)
      }
    })
    const job: JobChanges = { kind: 'exported-program', trust: true }

    it('need trust, as loading them may run code', async () => {
      expect((await worker.convert(make({ 'm.pt2': '' }).job({ ...job, file: 'm.pt2', trust: false }))).failure).toMatchObject({ code: 'UNTRUSTED' })
    })
    if (!exports) {
      it('need a release that has torch.export', async () => {
        expect((await worker.convert(make({ 'm.pt2': '' }).job({ ...job, file: 'm.pt2' }))).failure).toMatchObject({ code: 'TORCH_TOO_OLD' })
      })
      return
    }
    it('are traced on their own example inputs', async () => {
      const { result, failure } = await worker.convert(made.job({ ...job, file: 'plain.pt2' }))
      expect(failure).toBeUndefined()
      expect(result!.facts.inputs).toEqual(['4x3'])
      expect(result!.dependencies).toEqual([made.path('plain.pt2')])
    })
    it('may take dicts and any batch', async () => {
      const { result, failure } = await worker.convert(made.job({ ...job, file: 'dynamic.pt2' }))
      expect(failure).toBeUndefined()
      expect(result!.facts.inputs).toEqual(['4x3', '{a: 3}'])
      const code = `m = torch.jit.load(${JSON.stringify(made.output)})\nresult = m(torch.zeros(8, 3), {"a": torch.zeros(3)}).tolist()`
      // 5, and ten times the row's share of all rows.
      expect(await python.run(made.root, code)).toEqual(Array.from({ length: 8 }, (_, row) => Array(3).fill(5 + 10 * row / 8)))
    })
    it('are refused when damaged', async () => {
      expect((await worker.convert(make({ 'm.pt2': 'no zip' }).job({ ...job, file: 'm.pt2' }))).failure).toMatchObject({ code: 'BAD_PROGRAM' })
    })
  })
})
