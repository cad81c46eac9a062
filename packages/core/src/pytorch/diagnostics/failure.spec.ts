import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { WorkerFailure } from '../protocol.ts'
import { explainWarning, failureOf } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'petal-diagnostics-'))
afterAll(() => rmSync(folder, { recursive: true }))

const NET = [
  'import torch', 'from einops import rearrange', '', '', 'class Net(torch.nn.Module):', '    def helper(self, x, n):', '        return x.frob(n)', '',
  '    def forward(self, x):', '        x = rearrange(x, "b c -> c b", b=2)', '        return self.helper(x, 2)', '',
]
const net = join(folder, 'net.py')
writeFileSync(net, NET.join('\n'))

function failure(what: string, more: Partial<WorkerFailure> = {}): WorkerFailure {
  return { code: 'SCRIPT_FAILED', what, exception: 'RuntimeError', dependencies: [net], ...more }
}

/** A place as PyTorch prints it, the function's indentation left out. */
function block(file: string, line: number, code: string, marked: string): string {
  return `  File "${file}", line ${line}\n    def f(self):\n        ${code}\n        ${' '.repeat(code.indexOf(marked))}${'~'.repeat(marked.length)} <--- HERE\n`
}

describe('a failure of the worker', () => {
  it('is passed on as it is told, with a frame of its place', async () => {
    const error = await failureOf({ code: 'EAGER_FAILED', what: 'It failed.', cause: 'Because.', fix: 'Do.', file: net, line: 7, column: 16, dependencies: [net, '/x'] })
    expect(error).toMatchObject({ code: 'EAGER_FAILED', what: 'It failed.', likelyCause: 'Because.', fix: 'Do.', dependencies: [net, '/x'] })
    expect(error.location).toMatchObject({ file: net, line: 7, column: 16 })
    expect(error.location?.frame).toContain('7 |          return x.frob(n)\n  |                 ^\n')
  })

  it('names the file alone where there is no line, or the file cannot be read', async () => {
    expect((await failureOf({ code: 'X', what: 'x', file: net, dependencies: [] })).location).toEqual({ file: net })
    expect((await failureOf({ code: 'X', what: 'x', file: join(folder, 'no.py'), line: 3, dependencies: [] })).location).toEqual({ file: join(folder, 'no.py') })
    expect((await failureOf({ code: 'X', what: 'x', file: net, line: 99, dependencies: [] })).location).toEqual({ file: net })
    expect((await failureOf({ code: 'X', what: 'x', dependencies: [] })).location).toBeUndefined()
  })

  it('says first why a trace was not taken', async () => {
    const error = await failureOf(failure('Lambda aren\'t supported:\n', { context: 'A trace was tried first.' }))
    expect(error.likelyCause).toBe('A trace was tried first. Functions are no values in TorchScript.')
  })

  it('explains what a model raises, where nobody has done so yet', async () => {
    const what = 'net.py raised RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 8x4)'
    const error = await failureOf(failure(what, { code: 'MODEL_RAISED', file: net, line: 11 }))
    expect(error).toMatchObject({ what, likelyCause: 'A linear layer takes 8 values, and gets rows of another length (1x3).' })
    const unsaved = 'The conversion failed unexpectedly: RuntimeError: Could not export Python function call \'Round\'. Remove calls to Python functions.:\n'
      + `${net}(11): forward\n/venv/site-packages/torch/nn/modules/module.py(9): _call_impl\n (_script.py, line 772)`
    const saved = await failureOf(failure(unsaved, { code: 'WORKER_DEFECT', cause: 'This is a defect.' }))
    expect(saved).toMatchObject({ code: 'TRACE_FAILED', what: 'Could not export Python function call \'Round\'', location: { file: net, line: 11 } })
    expect(await failureOf(failure('It failed.\nframe #0: x', { code: 'WORKER_DEFECT', cause: 'A defect.' }))).toMatchObject({ code: 'WORKER_DEFECT', what: 'It failed', likelyCause: 'A defect.' })
    expect((await failureOf(failure('net.py raised ValueError: Lambda aren\'t supported', { code: 'MODEL_RAISED' }))).likelyCause).toBeUndefined()
  })
})

describe('a message of PyTorch', () => {
  it('is shown at the innermost place in the project, with the column of the file', async () => {
    const what = `\n'Tensor' object has no attribute or method 'frob'.:\n${block(net, 7, 'return x.frob(n)', 'x.frob')}'Net.helper' is being compiled since it was called from 'Net.forward'\n${
      block(net, 11, 'return self.helper(x, 2)', 'self.helper(x, 2)')}`
    const error = await failureOf(failure(what))
    expect(error.what).toBe('\'Tensor\' object has no attribute or method \'frob\'')
    expect(error.location).toMatchObject({ file: net, line: 7, column: 16 })
    expect(error.location?.frame).toContain('|          return x.frob(n)\n  |                 ^^^^^^')
  })

  it('of code in an installed package is shown where the project calls it', async () => {
    const what = `Something odd:\n${block('/venv/lib/python3.11/site-packages/torch/nn/functional.py', 3, 'odd()', 'odd')}'odd' is being compiled since it was called from 'Net.forward'\n${
      block(net, 11, 'return self.helper(x, 2)', 'self.helper')}`
    expect((await failureOf(failure(what))).location).toMatchObject({ file: net, line: 11 })
  })

  it('of einops, which names no place in the project, is shown where the function is called', async () => {
    const what = 'Compiled functions can\'t take variable number of arguments or use keyword-only arguments with defaults:\n  File "/venv/site-packages/einops/einops.py", line 545\n'
      + 'def rearrange(tensor: Union[Tensor, List[Tensor]], pattern: str, **axes_lengths: Size) -> Tensor:\n'
      + '                                                                  ~~~~~~~~~~~~~ <--- HERE\n    """\n'
    const error = await failureOf(failure(what))
    expect(error.location).toMatchObject({ file: net, line: 10 })
    expect(error.likelyCause).toContain('`rearrange` of einops')
    expect(error.fix).toContain('einops.layers.torch')
  })

  it('that nobody knows is told with its first line and general advice', async () => {
    const error = await failureOf(failure(`\n\nThe frobnicator is out of order:\n${block(net, 7, 'return x.frob(n)', 'x')}`))
    expect(error).toMatchObject({ code: 'SCRIPT_FAILED', what: 'The frobnicator is out of order' })
    expect(error.likelyCause).toContain('a part of Python only')
    expect(error.fix).toMatch(/convert=trace.*docs\/script-errors\.md/)
    expect(error.location).toMatchObject({ file: net, line: 7, column: 16 })
    const traced = await failureOf(failure('The frobnicator is out of order', { code: 'TRACE_FAILED' }))
    expect(traced.fix).toContain('convert=script')
  })

  it('never shows a stack, an address, or more than a person reads', async () => {
    const stack = 'Something broke at 0x7f0000\nException raised from foo at ../torch/csrc/jit/foo.cpp:12 (most recent call first):\nframe #0: c10::Error::Error + 0x57 (0x7f in libc10.so)\n'
    expect((await failureOf(failure(stack))).message).not.toMatch(/frame #|0x7f|\.cpp/)
    expect((await failureOf(failure('x'.repeat(5_000_000)))).what).toHaveLength(200)
    expect((await failureOf(failure('', { exception: 'OddError' }))).what).toBe('PyTorch raised OddError without a message')
  })

  it('with a place that is not there has none', async () => {
    const error = await failureOf(failure(`Odd:\n${block(join(folder, 'gone.py'), 2, 'odd()', 'odd')}${block('<string>', 2, 'odd()', 'odd')}`))
    expect(error.location).toBeUndefined()
  })
})

describe('a warning', () => {
  it('of a trace says what it means', async () => {
    const raw = { category: 'TracerWarning', message: 'Converting a tensor to a Python boolean might cause the trace to be incorrect.', file: net, line: 7 }
    const { message, location } = await explainWarning(raw)
    expect(message).toMatch(/decides by the values of a tensor.*convert=script/)
    expect(location).toMatchObject({ file: net, line: 7, frame: expect.stringContaining('^') })
  })

  it('of another kind is passed on, without PyTorch\'s internals', async () => {
    expect(await explainWarning({ category: 'UserWarning', message: 'Old. (Triggered internally at ../aten/src/x.cpp:3.)' })).toEqual({ message: 'UserWarning: Old.' })
    expect(await explainWarning({ category: 'TracerWarning', message: 'Something new.' })).toEqual({ message: 'TracerWarning: Something new.' })
  })
})
