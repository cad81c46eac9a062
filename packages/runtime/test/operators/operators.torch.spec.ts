import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { torchPythons } from '../../../core/test/support/torch.ts'
import { knownOperators, listOperators, produce, type Produced } from './produce.ts'
import { caseText, loadRegistry, readCases, runCases } from './runner.ts'
import { untestedReason } from './untested.ts'

/** Configurations of each operator; of other releases than the oldest, which is the oracle, fewer: they rarely differ. */
const COUNT = Number(process.env['PETAL_OPERATOR_CASES'] || 120)
const COUNT_OF_OTHERS = Math.ceil(COUNT / 6)

const registry = await loadRegistry()

it('loads every file of operators', () => {
  expect(registry.broken).toEqual([])
})

describe.skipIf(torchPythons.length === 0).each(torchPythons)('operators give what $name gives', ({ executable }) => {
  const listed = listOperators(executable)
  const tested = listed.filter((name) => registry.operators.has(name))
  /** Cases are made while others run. */
  const waiting = new Map<string, { readonly row: Promise<Produced>; readonly settle: (row: Produced) => void }>()
  let producing: Promise<void>
  const folder = mkdtempSync(join(tmpdir(), 'petal-operators-'))
  const isOracle = executable === torchPythons[0]?.executable
  const count = isOracle ? COUNT : COUNT_OF_OTHERS

  beforeAll(() => {
    for (const name of tested) {
      let settle: (row: Produced) => void = () => {}
      waiting.set(name, { row: new Promise((resolve) => { settle = resolve }), settle })
    }
    producing = (async () => {
      for await (const row of produce(executable, tested, count, folder)) waiting.get(row.operator)?.settle(row)
    })().catch((error: unknown) => {
      for (const [operator, { settle }] of waiting) settle({ operator, family: '', index: '', blob: '', error: String(error) })
    })
  })
  afterAll(async () => {
    await producing
    rmSync(folder, { recursive: true })
  })

  // Some are left out for newer releases alone, where those are wrong.
  if (isOracle) it('has cases for every operator that is registered and that PyTorch has', () => {
    const without = [...registry.operators.keys()].filter((name) => !listed.includes(name) && untestedReason(name) === undefined)
    expect(knownOperators(executable, without)).toEqual([])
  })

  it.each(tested)('%s', { timeout: 1_200_000 }, async (name) => {
    const { error, absent, index, blob } = await waiting.get(name)!.row
    expect(error).toBeUndefined()
    if (absent) return
    const { cases, bytes } = readCases(index, blob)
    expect(cases.length).toBeGreaterThan(0)
    for (const file of [index, blob]) rmSync(file)
    const failures = await runCases(name, cases, bytes, registry)
    const shown = failures.slice(0, 5).map((failure) => `${caseText(name, failure.case)}\n  ${failure.text}`)
    if (failures.length > 0) expect.fail(`${failures.length} of ${cases.length} cases differ:\n${shown.join('\n')}`)
  })
})
