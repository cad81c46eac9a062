/**
 * Every code block of PyTorch's recipe "Script and Optimize for Mobile", done by imports. The files that come out are run by
 * PyTorch's lite interpreter and compared with the eager model, on other inputs than the examples.
 */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from './support/app.ts'
import { ADAPTERS, type BuildSettings, type Output } from './support/bundler.ts'
import { type Comparison, createOracle, modelFile, type Oracle, pythonApp, recipeFixture, runtimePython, torchPythons } from './support/python.ts'
import { vite8 } from './support/vite.ts'

/** float32 in other kernels and another order. */
const TOLERANCE = 1e-5

let oracle: Oracle

/** The compiled model gives what the eager one gives. */
async function expectEager(app: App, output: Output, stem: string, comparison: Comparison): Promise<void> {
  const errors = await oracle.compare(app, modelFile(output, stem), comparison)
  expect(errors.length).toBeGreaterThan(0)
  expect(Math.max(...errors)).toBeLessThanOrEqual(comparison.tolerance ?? TOLERANCE)
}

const failure = (build: Promise<unknown>): Promise<string> => build.then(() => 'it was built', (error: Error) => error.message)

/** 1-based number of the line that contains `text`. */
async function lineOf(app: App, file: string, text: string): Promise<number> {
  return (await app.read(file)).toString().split('\n').findIndex((line) => line.includes(text)) + 1
}

const GATE = `\
import torch

class MyDecisionGate(torch.nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        else:
            return -x

model = MyDecisionGate()
`

/** Dropout, a batch norm, a ReLU and a hardtanh after convolutions, and linear layers: something for each optimization. */
const PLAIN_NET = `\
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = F.hardtanh(self.conv2(x), 0.0, 6.0)
        return self.fc(self.dropout(x.mean([2, 3])))


def model():
    torch.manual_seed(4)
    net = Net()
    nn.init.uniform_(net.bn.running_mean), nn.init.uniform_(net.bn.running_var, 0.5, 2.0)
    return net
`

/** The recipe's `model_quantized`: quantized by its author, before it is converted. */
const QUANTIZED_NET = `\
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.backends.quantized.engine = "qnnpack"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = torch.quantization.QuantStub(), torch.quantization.DeQuantStub()
        self.conv, self.relu = nn.Conv2d(3, 8, 3, stride=4), nn.ReLU()
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.relu(self.conv(self.quant(x)))
        return self.dequant(self.fc(x.mean([2, 3])))


def model():
    torch.manual_seed(4)
    net = Net().eval()
    net.qconfig = torch.quantization.get_default_qconfig("qnnpack")
    net = torch.quantization.prepare(torch.quantization.fuse_modules(net, [["conv", "relu"]]))
    with torch.no_grad():
        for _ in range(4):
            net(torch.rand(1, 3, 64, 64))
    return torch.quantization.convert(net)
`

const ENCODER: Comparison = {
  module: 'seq2seq.encoder', weights: 'seq2seq/encoder.pth',
  calls: '[(torch.tensor([[n]]), random(1, 1, HIDDEN_SIZE) - 0.5) for n in range(len(INPUT_WORDS))]',
}
const DECODER: Comparison = {
  module: 'seq2seq.decoder', weights: 'seq2seq/decoder.pth',
  calls: '[(torch.tensor([[n]]), random(1, 1, HIDDEN_SIZE) - 0.5, random(MAX_LENGTH, HIDDEN_SIZE) - 0.5) for n in range(13)]',
}
const CHATBOT: Comparison = {
  module: 'chatbot.searcher', entry: 'make_chatbot', weights: 'chatbot/chatbot.pth',
  calls: `[(torch.tensor(encode(text)).view(-1, 1), torch.tensor([len(encode(text))]), words) for text, words in
    [("hello", 12), ("tell me a joke", 11), ("what is the weather today", 3), ("are you a robot", 1), ("some words it never saw", 0)]]`,
}

describe.each(torchPythons)('the recipe on $name', (python) => {
  const { executable, version } = python
  beforeAll(() => {
    if (!runtimePython) throw new Error('One of the Pythons must have a PyTorch with XNNPACK, 1.13 say: it runs what is made.')
    oracle = createOracle(python, runtimePython)
  })
  afterAll(() => oracle?.close())
  const settings: BuildSettings = { petal: { python: { path: executable } } }
  const build = (app: App): Promise<Output> => vite8.build(app, settings)

  describe('"After a PyTorch model is trained and optionally but preferably quantized"', () => {
    it('quantizes a convolutional network, calibrated with data of its file', async () => {
      const app = await pythonApp(`
        import traced from './shapes/shapes.py?mobile&convert=trace&weights=./shapes.pth&quantize=static'
        import float from './shapes/shapes.py?mobile&convert=trace&weights=./shapes.pth&as=facts'
        globalThis.result = { traced, float }`, ['shapes'])
      const output = await build(app)
      const { traced, float } = await output.run()
      expect(traced.conversion).toMatchObject({ method: 'trace', torch: expect.stringContaining(version), quantization: { mode: 'static', engine: 'qnnpack' } })
      const { modules, drift, bytes } = traced.conversion.quantization
      expect(Object.keys(modules).join()).toMatch(/Conv[^]*Linear|Linear[^]*Conv/)
      expect(drift).toBeGreaterThan(0)
      expect(drift).toBeLessThan(0.1)
      expect(bytes.after).toBeLessThan(bytes.before * 0.5)
      expect(traced.bytes).toBeLessThan(float.bytes * 0.5)
      // Eight bits are not thirty-two: what it tells the shapes by has to be the same, to a twelfth of the largest score.
      await expectEager(app, output, 'shapes', {
        module: 'shapes.shapes', weights: 'shapes/shapes.pth', calls: '[(draw(1, seed)[0],) for seed in range(100, 130)]', tolerance: 1 / 12,
      })
    })

    it('quantizes the layers of a scripted sequence model', async () => {
      const app = await pythonApp(`
        import decoder from './seq2seq/decoder.py?mobile&convert=script&weights=./decoder.pth&quantize=dynamic'
        import facts from './seq2seq/decoder.py?mobile&convert=script&weights=./decoder.pth&as=facts'
        globalThis.result = { decoder, facts }`, ['seq2seq'])
      await app.write('src/seq2seq/decoder.py', `${(await app.read('src/seq2seq/decoder.py')).toString()}
example_inputs = (torch.tensor([[3]]), torch.zeros(1, 1, HIDDEN_SIZE), torch.zeros(MAX_LENGTH, HIDDEN_SIZE))
`)
      const output = await build(app)
      const { decoder, facts } = await output.run()
      expect(decoder.conversion).toMatchObject({ method: 'script', quantization: { mode: 'dynamic', modules: { Linear: 3, GRU: 1 } } })
      expect(decoder.bytes).toBeLessThan(facts.bytes * 0.6)
      await expectEager(app, output, 'decoder', { ...DECODER, quantize: true })
    })
  })

  describe('"Use the trace Method" and "Use the script Method"', () => {
    it('give the same of a quantized model without control flow', async () => {
      const app = await pythonApp(`
        import traced from './traced.py?mobile&convert=trace&input=1x3x224x224'
        import scripted from './scripted.py?mobile&convert=script'
        globalThis.result = { traced, scripted }`, [], { 'src/traced.py': QUANTIZED_NET, 'src/scripted.py': QUANTIZED_NET })
      const output = await build(app)
      const { traced, scripted } = await output.run()
      expect([traced.conversion.method, scripted.conversion.method]).toEqual(['trace', 'script'])
      for (const { operators, optimizations } of [traced, scripted]) {
        expect(Object.keys(operators.after).join()).toMatch(/quantized::conv2d_relu/)
        // "Conv packed params hoisting"
        expect(optimizations).toContainEqual(expect.objectContaining({ name: 'hoist_conv_packed_params', applied: 1 }))
      }
      const comparison: Comparison = { module: 'traced', calls: '[(random(1, 3, 224, 224),), (random(1, 3, 224, 224) * 3 - 1,)]' }
      await expectEager(app, output, 'traced', comparison)
      await expectEager(app, output, 'scripted', { ...comparison, module: 'scripted' })
    })

    it('give the same of a float model, on other sizes and batches too', async () => {
      const app = await pythonApp(`
        import traced from './traced.py?mobile&convert=trace&input=1x3x32x32'
        import scripted from './scripted.py?mobile&convert=script'
        globalThis.result = { traced, scripted }`, [], { 'src/traced.py': PLAIN_NET, 'src/scripted.py': PLAIN_NET })
      const output = await build(app)
      const { traced } = await output.run()
      expect(traced.conversion.check.length).toBeGreaterThan(2)
      for (const { error } of traced.conversion.check) expect(error ?? 0).toBeLessThan(1e-4)
      for (const module of ['traced', 'scripted']) {
        await expectEager(app, output, module, { module, calls: '[(random(1, 3, 32, 32),), (random(3, 3, 17, 40) - 0.5,)]' })
      }
    })
  })

  describe.each(ADAPTERS)('"if a model has some flow control, then trace won\'t correctly record all the possible traces", $name', ({ build: bundle }) => {
    it('refuses the trace that does not generalize', async () => {
      const app = await pythonApp(`// an app\nimport gate from './gate.py?mobile&convert=trace&input=3x4'\nglobalThis.result = gate`, [], { 'src/gate.py': GATE })
      const message = await failure(bundle(app, settings))
      expect(message).toMatch(/gate\.py/)
      expect(message).toMatch(/convert=script/)
      expect(message).toMatch(/negated/)
      expect(message).not.toMatch(/\n\s+at .*\.[jt]s:\d+/)
    })

    it('warns of what the tracer warns of, with the line of Python', async () => {
      const app = await pythonApp(`import gate from './gate.py?mobile&convert=trace&input=3x4&check=none'\nglobalThis.result = gate`, [], { 'src/gate.py': GATE })
      const output = await bundle(app, settings)
      expect(output.log).toMatch(/decides by the values of a tensor[^]*convert=script/)
      expect(output.log).toMatch(/gate\.py:5/)
      expect(output.log).toMatch(/5 \|\s+if x\.sum\(\) > 0:/)
      const { conversion } = await output.run()
      expect(conversion.check).toBeUndefined()
      // What is printed in the recipe: "return x".
      await expectEager(app, output, 'gate', { module: 'gate', calls: '[(random(3, 4),)]' })
      const [error] = await oracle.compare(app, modelFile(output, 'gate'), { module: 'gate', calls: '[(-random(3, 4),)]' })
      expect(error).toBeGreaterThan(1)
    })

    it('"The scripted model … will be covering all possible inputs"', async () => {
      const app = await pythonApp(`
        import scripted from './gate.py?mobile&convert=script'
        import auto from './auto.py?mobile&input=3x4'
        globalThis.result = { scripted, auto }`, [], { 'src/gate.py': GATE, 'src/auto.py': GATE })
      const output = await bundle(app, settings)
      const { scripted, auto } = await output.run()
      expect(scripted.conversion.method).toBe('script')
      expect(auto.conversion).toMatchObject({ method: 'script', why: expect.stringMatching(/trace/) })
      for (const module of ['gate', 'auto']) {
        await expectEager(app, output, module, { module, calls: '[(random(3, 4),), (-random(3, 4),), (torch.zeros(2),), (random(5) - 0.5,)]' })
      }
    })
  })

  describe('"translation with a sequence to sequence network and attention"', () => {
    it('"method 1: using trace with example inputs"', async () => {
      const app = await pythonApp(`
        import encoder from './seq2seq/encoder.py?mobile&convert=trace&weights=./encoder.pth&input=int64[1x1]<30;1x1x64'
        import decoder from './seq2seq/decoder.py?mobile&convert=trace&weights=./decoder.pth&input=int64[1x1]<13;1x1x64;12x64'
        globalThis.result = { encoder, decoder }`, ['seq2seq'])
      const output = await build(app)
      const { encoder, decoder } = await output.run()
      expect(encoder.conversion).toMatchObject({ method: 'trace', inputs: ['int64[1x1]', '1x1x64'] })
      expect([encoder.inputs.length, encoder.outputs.length, decoder.inputs.length, decoder.outputs.length]).toEqual([2, 2, 3, 3])
      await expectEager(app, output, 'encoder', ENCODER)
      await expectEager(app, output, 'decoder', DECODER)
    })

    it('"method 2: using script"', async () => {
      const app = await pythonApp(`
        import encoder from './seq2seq/encoder.py?mobile&convert=script&weights=./encoder.pth'
        import decoder from './seq2seq/decoder.py?mobile&convert=script&weights=./decoder.pth'
        globalThis.result = { encoder, decoder }`, ['seq2seq'])
      const output = await build(app)
      expect((await output.run()).decoder.conversion).toMatchObject({ method: 'script' })
      await expectEager(app, output, 'encoder', ENCODER)
      await expectEager(app, output, 'decoder', DECODER)
    })

    it('as one model with its loops, which reads dates', async () => {
      const app = await pythonApp(`
        import translator from './seq2seq/translator.py?mobile&convert=script&entry=make_translator'
        globalThis.result = translator`, ['seq2seq'])
      const output = await build(app)
      await expectEager(app, output, 'translator', {
        module: 'seq2seq.translator', entry: 'make_translator',
        calls: `[(torch.tensor(__import__("seq2seq.train").train.encode_words(text)),) for text in
          ["the third of march nineteen oh four", "may sixth two thousand", "december the thirty first twenty twenty six"]]`,
      })
    })
  })

  describe('"Mixing both trace and script": the chatbot', () => {
    it.each([
      ['traced parts in a scripted search', '&trace=encoder,decoder', ['encoder', 'decoder']],
      // PyTorch's own mobile export cannot be loaded of this one.
      ['all of it scripted', '', undefined],
    ])('%s', async (_, trace, mixed) => {
      const app = await pythonApp(`
        import bot from './chatbot/searcher.py?mobile&convert=script&entry=make_chatbot&weights=./chatbot.pth${trace}'
        globalThis.result = bot`, ['chatbot'])
      const output = await build(app)
      const { conversion, inputs } = await output.run()
      expect(conversion.method).toBe('script')
      expect(conversion.mixed?.toSorted()).toEqual(mixed?.toSorted())
      expect(inputs.map(({ type }: { type: string }) => type)).toEqual(['Tensor', 'Tensor', 'int'])
      await expectEager(app, output, 'searcher', CHATBOT)
    })

    it('a scripted gate in a trace', async () => {
      const app = await pythonApp(`
        import net from './net.py?mobile&convert=trace&script=gate&input=3x4'
        globalThis.result = net`, [], {
        'src/net.py': `${GATE.replace(/\nmodel = [^]*/, '')}

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = MyDecisionGate()

    def forward(self, x):
        return self.gate(x * 2) + 1

model = Net()
`,
      })
      const output = await build(app)
      expect((await output.run()).conversion).toMatchObject({ method: 'trace', mixed: ['gate'] })
      await expectEager(app, output, 'net', { module: 'net', calls: '[(random(3, 4),), (-random(3, 4),)]' })
    })
  })

  describe('"Fix Common Errors When Using the script Method"', () => {
    interface Mistake {
      readonly title: string
      /** The line that PyTorch stops at. */
      readonly line: string
      readonly message: RegExp
      readonly advice: RegExp
      /** The recipe's change. */
      readonly fix: readonly (readonly [before: string, after: string])[]
    }
    const MISTAKES: readonly Mistake[] = [
      {
        title: '1. attribute lookup is not defined on python value of type',
        line: 'state[:decoder.n_layers]',
        message: /attribute lookup is not defined on python value of type|decoder.*n_layers|n_layers.*decoder/,
        advice: /self\.\w*n_layers|constructor|__init__/,
        fix: [
          ['(self, encoder, decoder):', '(self, encoder, decoder, decoder_n_layers):'],
          ['self.decoder = decoder\n', 'self.decoder = decoder\n        self._decoder_n_layers = decoder_n_layers\n'],
          ['[:decoder.n_layers]', '[:self._decoder_n_layers]'],
          ['GreedySearchDecoder(encoder, decoder)\n', 'GreedySearchDecoder(encoder, decoder, decoder.n_layers)\n'],
        ],
      },
      {
        title: '2. python value of type \'…\' cannot be used as a value',
        line: 'torch.zeros(1, 1, device=device, dtype=torch.long)',
        message: /device/,
        advice: /self\.\w*device|self\.device/,
        fix: [
          ['self.decoder = decoder\n', 'self.decoder = decoder\n        self._device = device\n        self._SOS_token = SOS_TOKEN\n'],
          ['device=device', 'device=self._device'],
          ['start + SOS_TOKEN', 'start + self._SOS_token'],
        ],
      },
      {
        title: '3. all inputs of range must be \'…\', found Tensor (inferred) in argument',
        line: 'for _ in range(max_length):',
        message: /max_length|range/,
        advice: /max_length: int/,
        fix: [['input_length, max_length):', 'input_length, max_length: int):']],
      },
    ]
    const mended = (text: string, { fix }: Mistake): string => fix.reduce((before, [from, to]) => {
      expect(before).toContain(from)
      return before.replaceAll(from, to)
    }, text)
    const withMistakes = async (without: readonly Mistake[]): Promise<string> =>
      without.reduce(mended, await readFile(recipeFixture('greedy.py'), 'utf8'))
    const MAIN = `// an app\nimport bot from './chatbot/greedy.py?mobile&convert=script&weights=./chatbot.pth'\nglobalThis.result = bot`

    async function expectMistake(app: App, bundle: typeof build, { line, message, advice }: Mistake): Promise<void> {
      const said = await failure(bundle(app))
      expect(said).toMatch(message)
      expect(said).toMatch(advice)
      const n = await lineOf(app, 'src/chatbot/greedy.py', line)
      expect(said).toContain(`greedy.py:${n}`)
      expect(said).toMatch(new RegExp(`${n} \\|\\s+.*${line.replaceAll(/[[\]().*:]/g, '\\$&')}`))
      expect(said).not.toContain('Traceback')
    }

    it.each(MISTAKES)('$title', async (mistake) => {
      const app = await pythonApp(MAIN, ['chatbot'], {})
      await app.write('src/chatbot/greedy.py', await withMistakes(MISTAKES.filter((one) => one !== mistake)))
      await expectMistake(app, build, mistake)
    })

    it('1., for a module that was passed to the constructor and is traced: its attributes are gone', async () => {
      const app = await pythonApp(`
        import bot from './chatbot/searcher.py?mobile&convert=script&entry=make_chatbot&weights=./chatbot.pth&trace=encoder,decoder'
        globalThis.result = bot`, ['chatbot'])
      const text = (await app.read('src/chatbot/searcher.py')).toString()
      const broken = text.replace('[:self._decoder_n_layers]', '[:self.decoder.n_layers]')
      expect(broken).not.toBe(text)
      await app.write('src/chatbot/searcher.py', broken)
      const said = await failure(build(app))
      expect(said).toMatch(/n_layers/)
      expect(said).toContain(`searcher.py:${await lineOf(app, 'src/chatbot/searcher.py', 'self.decoder.n_layers')}`)
      expect(said).toContain('`self._decoder_n_layers = decoder.n_layers`')
      await app.write('src/chatbot/searcher.py', text.replace('= decoder_n_layers\n', '= decoder.n_layers\n'))
      await expectEager(app, await build(app), 'searcher', CHATBOT)
    })

    it.each(ADAPTERS)('all three, mended one by one, $name', async ({ build: bundle }) => {
      const app = await pythonApp(MAIN, ['chatbot'], {})
      for (const [n, mistake] of MISTAKES.entries()) {
        await app.write('src/chatbot/greedy.py', await withMistakes(MISTAKES.slice(0, n)))
        await expectMistake(app, (one) => bundle(one, settings), mistake)
      }
      await app.write('src/chatbot/greedy.py', await withMistakes(MISTAKES))
      const output = await bundle(app, settings)
      await expectEager(app, output, 'greedy', { ...CHATBOT, module: 'chatbot.greedy', entry: 'model' })
    })
  })

  describe('"Optimize a TorchScript Model"', () => {
    const ALL = ['conv_bn_fusion', 'insert_fold_prepack_ops', 'remove_dropout']

    it.each(['trace&input=1x3x32x32', 'script'])('does its optimizations for the CPU, convert=%s', async (convert) => {
      const app = await pythonApp(`
        import net from './net.py?mobile&convert=${convert}'
        import plain from './plain.py?mobile&convert=${convert}&block=${ALL.join()}'
        globalThis.result = { net, plain }`, [], { 'src/net.py': PLAIN_NET, 'src/plain.py': PLAIN_NET })
      const output = await build(app)
      const { net, plain } = await output.run()
      const applied = (model: typeof net): string[] =>
        model.optimizations.filter((one: { applied: number }) => one.applied > 0).map((one: { name: string }) => one.name)
      expect(applied(net)).toEqual(expect.arrayContaining([...ALL, 'fuse_clamp']))
      expect(ALL.filter((name) => applied(plain).includes(name))).toEqual([])
      expect(Object.keys(plain.operators.after)).toEqual(expect.arrayContaining(['aten::hardtanh', 'aten::batch_norm']))
      expect(Object.keys(net.operators.after).join()).toMatch(/prepacked::conv2d_clamp_run/)
      const calls = '[(random(1, 3, 32, 32),), (random(2, 3, 20, 20) - 0.5,)]'
      await expectEager(app, output, 'net', { module: 'net', calls })
      await expectEager(app, output, 'plain', { module: 'plain', calls })
      await expectEager(app, output, 'net', { module: 'net', calls, plain: modelFile(output, 'plain') })
    })

    it('"Optimization types can be disabled by passing an optimization blocklist"', async () => {
      const app = await pythonApp(`
        import net from './net.py?mobile&convert=script&block=conv_bn_fusion'
        globalThis.result = net`, [], { 'src/net.py': PLAIN_NET })
      const output = await build(app)
      const { operators, optimizations } = await output.run()
      expect(operators.after['aten::batch_norm']).toBe(1)
      expect(optimizations).toContainEqual(expect.objectContaining({ name: 'conv_bn_fusion', blocked: true, applied: 0 }))
      await expectEager(app, output, 'net', { module: 'net', calls: '[(random(1, 3, 32, 32),)]' })
    })
  })
})
