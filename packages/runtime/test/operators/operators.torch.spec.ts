import { describe, expect, it } from 'vitest'
import { torchPythons } from '../../../core/test/support/torch.ts'
import { listOperators, produce } from './produce.ts'
import { caseText, loadRegistry, readCases, runCases } from './runner.ts'
import { UNTESTED } from './untested.ts'

/** Configurations of each operator. */
const COUNT = 250

const registry = await loadRegistry()

it('loads every file of operators', () => {
  expect(registry.broken).toEqual([])
})

describe.skipIf(torchPythons.length === 0).each(torchPythons)('operators give what $name gives', ({ executable }) => {
  const listed = listOperators(executable)

  it('has cases for every operator that is registered', () => {
    const without = [...registry.operators.keys()].filter((name) => !listed.includes(name) && !(name in UNTESTED))
    expect(without).toEqual([])
  })

  it.each(listed.filter((name) => registry.operators.has(name)))('%s', async (name) => {
    for await (const { error, absent, index, blob } of produce(executable, [name], COUNT)) {
      expect(error).toBeUndefined()
      if (absent) return
      const { cases, bytes } = readCases(index, blob)
      expect(cases.length).toBeGreaterThan(0)
      const failures = await runCases(name, cases, bytes, registry)
      const shown = failures.slice(0, 5).map((failure) => `${caseText(name, failure.case)}\n  ${failure.text}`)
      if (failures.length > 0) expect.fail(`${failures.length} of ${cases.length} cases differ:\n${shown.join('\n')}`)
    }
  })
})
