import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource, compile } from '../../src/compiler/index.ts'
import type { InputSpec } from '../../src/conversion-request.ts'
import type { ConversionJob } from '../../src/pytorch/engine.ts'
import type { RawConversion, WorkerFailure } from '../../src/pytorch/protocol.ts'
import { Python } from '../support/python.ts'
import { torchPythons } from '../support/torch.ts'
import { type Project, project, Worker } from '../support/worker.ts'

const MODELS: string = join(import.meta.dirname, 'models')

const tensor = (shape: number[], dtype: 'float32' | 'int64' | 'bool' = 'float32', below?: number): InputSpec =>
  ({ kind: 'tensor', dtype, shape, ...(below === undefined ? {} : { below }) })
const ids = (...shape: number[]): InputSpec => tensor(shape, 'int64', 20)
const X: InputSpec[] = [tensor([3, 4])]
const IMAGE: InputSpec[] = [tensor([2, 3, 8, 8])]

/** Operators that runtimes on phones do not have, or run only on some builds. */
const FUSED: RegExp = /_transformer_encoder_layer_fwd|_native_multi_head_attention|scaled_dot_product|nested/

describe.each(torchPythons)('conversion in $name', ({ executable }) => {
  const folder = mkdtempSync(join(tmpdir(), 'petal-conversion-'))
  const output = join(folder, 'out.pt')
  const worker = new Worker(executable)
  const python = new Python(executable)
  // Compiled files run in the oldest release: one whose runtime has the operators of phones.
  const phone = new Python(torchPythons[0]!.executable)
  const projects: Project[] = []
  afterAll(async () => {
    python.close()
    phone.close()
    await worker.close()
    rmSync(folder, { recursive: true, force: true })
    for (const each of projects) each.remove()
  })

  type Changes = Partial<Omit<ConversionJob, 'source' | 'root' | 'output'>>
  const job = (model: string, changes: Changes): ConversionJob => {
    const [file, entry] = model.split('.') as [string, string]
    return {
      source: { kind: 'python', file: join(MODELS, `${file}.py`) }, root: MODELS, output, convert: 'trace', entry, args: [], input: X,
      script: [], trace: [], check: 'auto', quantize: 'none', trust: false, weights: '', ...changes,
    }
  }
  const converted = async (model: string, changes: Changes = {}): Promise<RawConversion> => {
    const { result, failure } = await worker.convert(job(model, changes))
    expect(failure).toBeUndefined()
    return result!
  }
  const refused = async (model: string, changes: Changes = {}): Promise<WorkerFailure> => {
    const { failure } = await worker.convert(job(model, changes))
    expect(failure).toBeDefined()
    return failure!
  }
  /** A file of its own, for what `input=` cannot say. */
  const answered = async (text: string, changes: Changes = {}): ReturnType<Worker['convert']> => {
    const made = project({ 'net.py': text })
    projects.push(made)
    return worker.convert({ ...made.job({ check: 'auto', ...changes }), output })
  }
  /** Compares the archive with the model, made again, on inputs that `inputs` makes; equal seeds where the model draws numbers. */
  const agrees = (model: string, inputs: string, archive = output): Promise<unknown> => {
    const [file, make] = model.split('.') as [string, string]
    const creates = make.includes('(') ? make : `${make}()`
    return python.run(MODELS, `
import ${file}
torch.set_num_threads(1)
torch.manual_seed(0)
model = ${file}.${creates}.eval()
archive = torch.jit.load(${JSON.stringify(archive)})
for seed in range(3):
    torch.manual_seed(seed)
    inputs = (${inputs},)
    copies = [one.clone() for one in inputs]
    with torch.no_grad(), torch.jit.optimized_execution(False):
        torch.manual_seed(9); want = model(*inputs)
        torch.manual_seed(9); got = archive(*copies)
    # A trace gives a tuple for a named tuple.
    plain = lambda value: tuple(map(plain, value)) if isinstance(value, (tuple, list)) else value
    torch.testing.assert_close(plain(got), plain(want), rtol=1e-4, atol=1e-5, equal_nan=True)
`)
  }
  const compiled = async (): Promise<Record<string, number>> => {
    const artifact = await compile(bytesSource(new Uint8Array(readFileSync(output))), { backend: 'cpu', format: 'ptl', block: [] })
    const parts: Uint8Array[] = []
    for await (const part of artifact.stream()) parts.push(part)
    writeFileSync(`${output}l`, Buffer.concat(parts))
    return artifact.facts.operators.after
  }
  /** Whether the compiled file gives in the lite interpreter what the archive gives. */
  const runsOnPhones = async (inputs: string): Promise<Record<string, number>> => {
    const operators = await compiled()
    const io = JSON.stringify(join(folder, 'io.pth'))
    await python.run(folder, `
torch.backends.quantized.engine = "qnnpack"
torch.manual_seed(5)
inputs = (${inputs},)
with torch.jit.optimized_execution(False): torch.save((inputs, torch.jit.load(${JSON.stringify(output)})(*inputs)), ${io})`)
    await phone.run(folder, `
from torch.jit.mobile import _load_for_lite_interpreter
torch.backends.quantized.engine = "qnnpack"
inputs, want = torch.load(${io})
got = _load_for_lite_interpreter(${JSON.stringify(`${output}l`)})(*inputs)
torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4, equal_nan=True)`)
    return operators
  }
  const line = (file: string, text: string): number =>
    readFileSync(join(MODELS, file), 'utf8').split('\n').findIndex((each) => each.includes(text)) + 1

  describe('a trace that does not generalize', () => {
    it.each<[string, Changes, string]>([
      ['decisions.MyDecisionGate', {}, 'negated'],
      ['decisions.Cell', { input: [tensor([3, 4]), tensor([3, 4])] }, '10 times as large'],
      ['decisions.BakedBatch', {}, 'batch of 1: 1x4'],
      ['decisions.BakedBatch', { input: [tensor([1, 4])] }, 'batch of 2: 2x4'],
      ['decisions.Steps', { check: [[tensor([3, 7])]] }, '3x7'],
      ['decisions.Averages', {}, 'the example inputs, twice in a row'],
      ['decisions.Chance', {}, 'the example inputs'],
      ['decisions.Index', { input: [tensor([3], 'int64', 2)], check: [[ids(3)]] }, 'int64[3]'],
      ['decisions.Index', { input: [ids(30)] }, 'lowest values'],
      ['decisions.Masked', { input: [tensor([3, 4]), tensor([3, 4], 'bool')] }, 'all booleans false'],
    ])('is caught: %s', async (model, changes, inputs) => {
      const failure = await refused(model, changes)
      expect(failure).toMatchObject({ code: 'TRACE_DIVERGES', fix: expect.stringContaining('convert=script') })
      // Which values of a random linear layer change the sign of its sum is not ours to say.
      if (model !== 'decisions.Cell') expect(failure.what).toContain(`(inputs: ${inputs}): `)
    })

    it('is told with the line that the tracer warned of, the size of the difference, and the submodule to script', async () => {
      const gate = await refused('decisions.MyDecisionGate')
      expect(gate.what).toBe('The trace does not do what the model does (inputs: negated): '
        + "the largest difference is 2 times the largest magnitude of the model's output.")
      expect(gate).toMatchObject({ file: join(MODELS, 'decisions.py'), line: line('decisions.py', 'if x.sum() > 0') })
      const cell = await refused('decisions.Cell', { input: [tensor([3, 4]), tensor([3, 4])] })
      expect(cell.fix).toMatch(/^Use script=gate, which scripts that submodule alone, or convert=script/)
    })

    it('is accepted where nobody wants a check, with the warnings of the tracer at their lines', async () => {
      const { facts, warnings } = await converted('decisions.MyDecisionGate', { check: 'none' })
      expect(facts).not.toHaveProperty('check')
      expect(warnings).toEqual([{
        category: 'TracerWarning', message: expect.stringContaining('Converting a tensor to a Python boolean'),
        file: join(MODELS, 'decisions.py'), line: line('decisions.py', 'if x.sum() > 0'),
      }])
    })

    it('is caught by the other calls of the file', async () => {
      const { failure } = await answered(`import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return x if x.shape[1] < 5 else x * 2
example_inputs = [(torch.rand(1, 3),), (torch.rand(1, 9),)]`)
      expect(failure).toMatchObject({ code: 'TRACE_DIVERGES', what: expect.stringContaining('(inputs: example inputs 2: 1x9)') })
    })

    it('is not told of inputs that the model does not take, unless check= asks for them', async () => {
      const { facts } = await converted('decisions.Scaled')
      expect(facts.check).toContainEqual({ inputs: 'negated' })
      expect(facts.check).toContainEqual({ inputs: 'fresh random values', error: 0 })
      expect(await refused('decisions.Scaled', { check: [[tensor([2, 2]), tensor([2, 2])]] }))
        .toMatchObject({ code: 'CHECK_INPUTS_REFUSED', exception: 'TypeError', what: expect.stringContaining('2x2; 2x2') })
    })

    it('is not looked for in a model that differs from itself', async () => {
      const { facts, warnings } = await converted('decisions.Counting')
      expect(facts.check).toEqual([])
      expect(warnings).toMatchObject([{ category: 'UserWarning', message: expect.stringContaining('different results') }])
    })
  })

  describe('a trace that does is let through', () => {
    it.each<[string, InputSpec[], string]>([
      ['zoo.Vae', [tensor([2, 6])], 'torch.randn(2, 6)'],
      ['zoo.AlwaysDrops', X, 'torch.randn(3, 4)'],
      ['zoo.Detection', IMAGE, 'torch.randn(2, 3, 8, 8)'],
      ['zoo.Named', X, 'torch.randn(5, 4)'],
      ['zoo.Normed', IMAGE, 'torch.randn(3, 3, 9, 9)'],
      ['zoo.Stateful', X, 'torch.randn(3, 4)'],
      ['zoo.Recurrent', [ids(2, 5)], 'torch.randint(0, 20, (2, 9))'],
      ['zoo.Nearest', X, 'torch.randn(5, 6)'],
      ['zoo.Poles', X, 'torch.randn(5, 6)'],
      ['zoo.Writes', X, 'torch.randn(5, 6)'],
      ['zoo.Half', X, 'torch.randn(5, 4)'],
    ])('%s', async (model, input, inputs) => {
      const { facts, warnings } = await converted(model, { input })
      expect(facts.method).toBe('trace')
      const [first, ...others] = facts.check!
      expect(first!.inputs).toBe('the example inputs')
      expect(others.filter(({ error }) => error !== undefined).length).toBeGreaterThanOrEqual(3)
      expect(warnings).toEqual([])
      await agrees(model, inputs)
    })

    it('though rounding grows without bound', async () => {
      await converted('zoo.Chaotic')
    })

    it.each<[string, string, number[]]>([
      ['resnet18', '', [1, 3, 64, 64]], ['mobilenet_v3_small', '', [2, 3, 64, 64]], ['swin_t', '', [1, 3, 64, 64]],
      ['vit_b_32', 'torch.nn.init.normal_(model.heads.head.weight)', [1, 3, 224, 224]],
    ])('torchvision %s, traced and scripted', async (name, more, shape) => {
      const text = `import torch, torchvision\nmodel = torchvision.models.${name}(weights=None).eval()\n${more}\n`
      for (const convert of ['trace', 'script'] as const) {
        const { result, failure } = await answered(text, { convert, input: [tensor(shape)] })
        expect(failure).toBeUndefined()
        expect(result!.warnings).toEqual([])
        expect(Object.keys(await compiled()).join(' ')).not.toMatch(FUSED)
      }
    })

    it('and leaves the state of the model as it was', async () => {
      for (const convert of ['trace', 'script'] as const) {
        await converted(convert === 'trace' ? 'zoo.Stateful' : 'decisions.Averages', { convert })
        expect(await python.run(folder, `result = [each.item() for each in torch.jit.load(${JSON.stringify(output)}).buffers()]`))
          .toEqual(convert === 'trace' ? [0, 0] : [0])
      }
    })
  })

  describe('a script is run before it is saved', () => {
    it('and nothing of that is left in it, whatever it keeps', async () => {
      const twice = [X, X]
      await converted('decisions.Remembers', { convert: 'script', check: twice })
      await agrees('decisions.Remembers', 'torch.rand(2, 4)')
      const { facts } = await converted('decisions.Remembers', { convert: 'auto' })
      expect(facts.method).toBe('script')
      await agrees('decisions.Remembers', 'torch.rand(2, 4)')
    })
  })

  describe('inputs of a trace', () => {
    const options = (call: string): string => `${readFileSync(join(MODELS, 'zoo.py'), 'utf8')}\nexample_inputs = ${call}\n`

    it('by name become inputs by position, in the order of forward, without those at their defaults', async () => {
      const { result } = await answered(options('dict(scale=torch.rand(3, 4), x=torch.rand(3, 4), times=2)'), { entry: 'Options' })
      expect(result!.facts.inputs).toEqual(['3x4', '3x4', 'int:2'])
      expect(await python.run(folder, `
model = torch.jit.load(${JSON.stringify(output)})
result = [[one.name for one in model.forward.schema.arguments], model(torch.ones(1), torch.full((1,), 3.0)).item()]`))
        .toEqual([['self', 'x', 'scale'], 6])
    })

    it('that are no tensors are refused, but for a script', async () => {
      const text = options('dict(x=torch.rand(3, 4), scale=torch.rand(3, 4), times=5)')
      const { failure } = await answered(text, { entry: 'Options' })
      expect(failure).toMatchObject({ code: 'UNTRACEABLE_INPUT', what: 'The input `times` is int:5, and a trace takes tensors only.' })
    })

    it('are needed, and the error shows how they are written', async () => {
      const failure = await refused('decisions.MyDecisionGate', { input: [] })
      expect(failure.code).toBe('EXAMPLE_INPUTS_MISSING')
      for (const words of ['`input=1x3x224x224`', '`example_inputs = ', 'convert=script']) expect(failure.fix).toContain(words)
    })
  })

  describe('convert=auto', () => {
    it('traces where a trace is right', async () => {
      const { facts } = await converted('zoo.Normed', { convert: 'auto', input: IMAGE })
      expect(facts).toMatchObject({ method: 'trace', why: expect.stringMatching(/^a trace gives what the model gives on \d inputs$/) })
    })

    it('scripts where it is not, and says why', async () => {
      const { facts } = await converted('decisions.MyDecisionGate', { convert: 'auto' })
      expect(facts.method).toBe('script')
      expect(facts.why).toMatch(/^the trace does not do what the model does \(inputs: negated\)/)
      await agrees('decisions.MyDecisionGate', 'torch.randn(3, 4)')
    })

    it('scripts without example inputs', async () => {
      expect((await converted('decisions.MyDecisionGate', { convert: 'auto', input: [] })).facts)
        .toMatchObject({ method: 'script', why: 'there are no example inputs to trace with' })
    })

    it('tells both where neither works', async () => {
      const failure = await refused('decisions.Neither', { convert: 'auto' })
      expect(failure).toMatchObject({ code: 'SCRIPT_FAILED', what: expect.stringContaining('Lambda'), exception: 'UnsupportedNodeError' })
      expect(failure.context).toMatch(/^A trace was tried first\. The trace does not do what the model does \(inputs: negated\)/)
    })

    it('does not script what fails on its own example inputs', async () => {
      const input = [tensor([3, 5]), tensor([3, 4])]
      expect(await refused('decisions.Cell', { convert: 'auto', input })).toMatchObject({ code: 'TRACE_FAILED', exception: 'RuntimeError' })
      expect(await refused('decisions.Cell', { convert: 'script', input }))
        .toMatchObject({ code: 'EXAMPLE_INPUTS_REFUSED', what: expect.stringContaining('3x5; 3x4') })
    })

    it('takes TorchScript as it is', async () => {
      const text = (made: string): string => `import torch
class Gate(torch.nn.Module):
    def forward(self, x):
        return x * 2
model = ${made}
example_inputs = torch.rand(2)`
      for (const [made, method] of [['torch.jit.script(Gate())', 'script'], ['torch.jit.trace(Gate(), torch.rand(2))', 'trace']] as const) {
        const { result } = await answered(text(made), { convert: 'auto' })
        expect(result!.facts).toMatchObject({ method, why: 'the file gives TorchScript already' })
      }
    })
  })

  describe('mixing', () => {
    const input = [tensor([3, 4]), tensor([3, 4])]

    it('scripts a submodule inside of a trace', async () => {
      const { facts, warnings } = await converted('decisions.Cell', { input, script: ['gate'] })
      expect(facts).toMatchObject({ method: 'trace', mixed: ['gate'] })
      expect(warnings).toEqual([])
      await agrees('decisions.Cell', '10 * torch.randn(3, 4), torch.randn(3, 4)')
    })

    it('traces a submodule inside of a script, on the calls that it gets', async () => {
      const { facts } = await converted('decisions.Cell', { input, convert: 'script', trace: ['linear'] })
      expect(facts).toMatchObject({ method: 'script', mixed: ['linear'], check: expect.arrayContaining([{ inputs: 'negated', error: 0 }]) })
      await agrees('decisions.Cell', '10 * torch.randn(3, 4), torch.randn(3, 4)')
    })

    it('catches a traced submodule that does not generalize', async () => {
      const { failure } = await answered(`import torch
class Part(torch.nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x * 3
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.part = Part()
    def forward(self, x):
        return self.part(x) + self.part(-x)
example_inputs = torch.rand(2, 3)
entry = "Net"`, { convert: 'script', trace: ['part'], entry: 'Net' })
      expect(failure).toMatchObject({ code: 'TRACE_DIVERGES', what: expect.stringContaining('trace of the submodule `part`'), line: 4 })
    })

    it.each<[Changes, object]>([
      [{ script: ['gates'] }, { code: 'NO_SUCH_SUBMODULE', cause: 'Its submodules are: gate, linear.', fix: 'Name `gate`.' }],
      [{ convert: 'script', trace: ['x'] }, { code: 'NO_SUCH_SUBMODULE', fix: 'Name one of them, or leave trace= out.' }],
      [{ convert: 'script', trace: ['gate'], input: [] }, { code: 'EXAMPLE_INPUTS_MISSING' }],
      [{ convert: 'script', script: ['gate'] }, { code: 'BAD_DIRECTIVE' }],
      [{ convert: 'trace', trace: ['gate'] }, { code: 'BAD_DIRECTIVE' }],
    ])('refuses %j', async (changes, failure) => {
      expect(await refused('decisions.Cell', { input, ...changes })).toMatchObject(failure)
    })
  })

  describe('attention in plain operators', () => {
    const SEQUENCE = [tensor([2, 5, 8])]
    const flipped = [tensor([5, 2, 8])]
    it.each<[string, InputSpec[], string]>([
      ['Heads()', SEQUENCE, 'torch.randn(2, 5, 8)'], ['Heads(False, True)', SEQUENCE, 'torch.randn(2, 5, 8)'],
      ['Masks()', SEQUENCE, 'torch.randn(2, 5, 8)'], ['Masks(True)', SEQUENCE, 'torch.randn(2, 5, 8)'],
      ['Masks(False, False)', flipped, 'torch.randn(5, 2, 8)'], ['Masks(True, True, True)', SEQUENCE, 'torch.randn(2, 5, 8)'],
      ['Masks(False, True, True)', SEQUENCE, 'torch.randn(2, 5, 8)'],
      ['Translator()', [...flipped, ...flipped], 'torch.randn(6, 3, 8), torch.randn(5, 3, 8)'],
      ['Translator(True)', [...SEQUENCE, ...SEQUENCE], 'torch.randn(3, 6, 8), torch.randn(3, 5, 8)'],
      ['Layer()', SEQUENCE, 'torch.randn(3, 7, 8)'], ['Own()', SEQUENCE, 'torch.randn(3, 7, 8)'],
    ])('%s', async (made, input, inputs) => {
      const [, entry, values] = /^(\w+)\((.*)\)$/.exec(made)!
      const args = values!.split(', ').filter(Boolean).map((value) => ({ value: value === 'True' }))
      for (const convert of ['trace', 'script'] as const) {
        const { warnings } = await converted(`attending.${entry}`, { convert, input, args })
        expect(warnings).toEqual([])
        await agrees(`attending.${made}`, inputs)
        expect(Object.keys(await runsOnPhones(inputs)).join(' ')).not.toMatch(FUSED)
      }
    })
  })

  describe('quantizing', () => {
    const words = [ids(2, 6)]
    it.each<[string, 'dynamic' | 'static', InputSpec[], Record<string, number>, string]>([
      ['Convs', 'static', IMAGE, { Conv2d: 1, Linear: 1 }, 'torch.rand(2, 3, 8, 8)'],
      ['Decides', 'static', IMAGE, { Conv2d: 1, Linear: 1 }, 'torch.rand(2, 3, 8, 8)'],
      ['Convs', 'dynamic', IMAGE, { Linear: 1 }, 'torch.rand(2, 3, 8, 8)'],
      ['Words', 'dynamic', words, { GRU: 1, GRUCell: 1, LSTM: 1, Linear: 1 }, 'torch.randint(0, 20, (2, 6))'],
      ['Encoder', 'dynamic', [tensor([2, 5, 16])], { Linear: 4 }, 'torch.randn(2, 5, 16)'],
    ])('%s, %s', async (model, quantize, input, modules, inputs) => {
      for (const convert of model === 'Decides' ? ['script'] as const : ['trace', 'script'] as const) {
        const { facts } = await converted(`quantizable.${model}`, { convert, quantize, input })
        expect(facts.quantization).toMatchObject({ mode: quantize, engine: 'qnnpack', modules })
        expect(facts.quantization!.drift).toBeGreaterThan(0)
        expect(facts.quantization!.drift).toBeLessThan(0.05)
        expect(facts.quantization!.bytes.after).toBe(readFileSync(output).length)
        await runsOnPhones(inputs)
      }
    })

    it('makes the archive smaller, and sets the engine for the job alone', async () => {
      const text = `import torch
model = torch.nn.Sequential(torch.nn.Linear(200, 200), torch.nn.ReLU(), torch.nn.Linear(200, 10))
example_inputs = torch.rand(2, 200)`
      const { result } = await answered(text, { quantize: 'dynamic' })
      const { before, after } = result!.facts.quantization!.bytes
      expect(after).toBeLessThan(before / 2)
    })

    it.each<[string, 'dynamic' | 'static', string]>([
      ['quantizable.Plain', 'dynamic', 'NOTHING_TO_QUANTIZE'], ['quantizable.Plain', 'static', 'NOTHING_TO_QUANTIZE'],
      ['quantizable.NoStubs', 'static', 'QUANTIZATION_FAILED'], ['zoo.Normed', 'static', 'CALIBRATION_MISSING'],
      ['quantizable.Encoder', 'static', 'CALIBRATION_FAILED'],
    ])('%s, %s: %s', async (model, quantize, code) => {
      expect(await refused(model, { quantize, input: IMAGE })).toMatchObject({ code, cause: expect.any(String), fix: expect.any(String) })
    })
  })
})
