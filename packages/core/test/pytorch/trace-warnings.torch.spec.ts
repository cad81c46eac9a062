import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { explainWarning } from '../../src/pytorch/diagnostics/index.ts'
import { TRACE_WARNINGS } from '../../src/pytorch/diagnostics/warnings.ts'
import type { RawWarning } from '../../src/pytorch/protocol.ts'
import { torchPythons } from '../support/torch.ts'

const FILE = join(import.meta.dirname, '../trace-warnings/warn.py')
/** Lines of the file that are to be warned of, and of what. */
const EXPECTED = readFileSync(FILE, 'utf8').split('\n').flatMap((line, at) => {
  const id = /# warns: ([\w-]+)$/.exec(line)?.[1]
  return id === undefined ? [] : [{ id, line: at + 1 }]
})

describe.each(torchPythons)('warnings of a trace on $name', ({ executable }) => {
  const { stdout, stderr } = spawnSync(executable, [FILE], { encoding: 'utf8', timeout: 110_000 })
  const raw: readonly RawWarning[] = JSON.parse(stdout || '[]')
  const told = raw.filter(({ category }) => category === 'TracerWarning')
  const idOf = ({ message }: RawWarning) => TRACE_WARNINGS.find(({ pattern }) => pattern.test(message))?.id

  it('are each known, at the line that caused them', () => {
    expect(told.filter(({ line }) => line !== undefined).map((one) => ({ id: idOf(one), line: one.line })), stderr).toEqual(EXPECTED)
    expect(told.filter(({ line }) => line === undefined).map(idOf)).toEqual(['random', 'output'])
  })

  it('say what it means, with a frame', async () => {
    for (const one of told) {
      const { message, location } = await explainWarning(one)
      expect(message).toMatch(/^TracerWarning: the trace may be wrong for other inputs\. /)
      expect(message).not.toMatch(/\{|undefined/)
      expect(location?.line).toBe(one.line)
      if (one.line !== undefined) expect(location?.frame).toMatch(new RegExp(String.raw`^${one.line} \|  .*# warns`, 'm'))
    }
  })
})
