import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PetalError } from '../../src/errors.ts'
import { createPyTorch } from '../../src/pytorch/create.ts'
import { CATALOGUE } from '../../src/pytorch/diagnostics/catalogue.ts'
import type { Engine } from '../../src/pytorch/engine.ts'
import { FOLDER, lineToBlame, read } from '../support/script-errors.ts'
import { torchPythons } from '../support/torch.ts'

/** Entries whose `before.py` is refused when it is scripted; not those that need a newer Python to be read, or are mended in newer releases. */
const SCRIPTED = CATALOGUE.filter(({ id, method, fixedIn }) => method === undefined && fixedIn === undefined && id !== 'match-statement')

/** The engine takes care of these itself, before PyTorch could refuse them. */
const TAKEN_CARE_OF: ReadonlySet<string> = new Set(['trace-output-dict', 'trace-input-type', 'trace-leaf-in-place'])
const TRACED = CATALOGUE.filter(({ id, method }) => method === 'trace' && !TAKEN_CARE_OF.has(id))

/** The recipe's three errors, answered with the exact change. */
const RECIPE: readonly (readonly [id: string, fix: string])[] = [
  ['module-attribute', 'write `self._decoder_n_layers` in place of `decoder.n_layers`.'],
  ['global-value', 'Store it in the constructor (`self.SOS_token = SOS_token`) and write `self.SOS_token` in place of `SOS_token`.'],
  ['range-of-tensor', '`def forward(self, input_seq, input_length, max_length: int):`'],
]

describe.each(torchPythons)('script errors through the engine, $name', ({ executable }) => {
  let engine: Engine
  const out = mkdtempSync(join(tmpdir(), 'petal-script-errors-'))

  beforeAll(() => {
    engine = createPyTorch({ root: FOLDER, python: executable, onOutput: () => {} })
  })
  afterAll(async () => {
    await engine.close()
    rmSync(out, { recursive: true })
  })

  const convert = (id: string, name: 'before.py' | 'after.py', method: 'script' | 'trace') => engine.convert({
    source: { kind: 'python', file: read(id, name).path }, root: FOLDER, output: join(out, 'net.pt'), convert: method, entry: '', args: [], input: [],
    weights: '', script: [], trace: [], check: 'auto', quantize: 'none', trust: false,
  })

  async function refusal(id: string, method: 'script' | 'trace' = 'script'): Promise<PetalError> {
    const error = await convert(id, 'before.py', method).then(() => undefined, (reason: unknown) => reason)
    expect(error).toBeInstanceOf(PetalError)
    return error as PetalError
  }

  it.each(RECIPE)('the recipe\'s %s is answered with the change to make', async (id, fix) => {
    const error = await refusal(id)
    expect(error).toMatchObject({ code: 'SCRIPT_FAILED', location: { file: read(id, 'before.py').path, line: lineToBlame(id) } })
    expect(error.fix).toContain(fix)
    expect(error.location?.frame).toMatch(/# <- here\n +\| +\^/)
    expect(error.dependencies).toContain(read(id, 'before.py').path)
    expect((await convert(id, 'after.py', 'script')).facts.method).toBe('script')
  })

  it.each(SCRIPTED.map(({ id }) => [id]))('%s is explained at its line', async (id) => {
    const error = await refusal(id)
    expect(error.location?.line).toBe(lineToBlame(id))
    expect(error.fix).not.toContain('docs/script-errors.md')
    expect(error.likelyCause).toBeTypeOf('string')
  })

  it.each(TRACED.map(({ id }) => [id]))('%s is explained where a trace is taken', async (id) => {
    const error = await refusal(id, 'trace')
    expect(error).toMatchObject({ code: 'TRACE_FAILED' })
    expect(error.location?.line).toBe(lineToBlame(id))
    expect(error.fix).not.toContain('Call the model in Python')
    expect(error.message).not.toMatch(/_trace\.py|Traceback/)
  })
})
