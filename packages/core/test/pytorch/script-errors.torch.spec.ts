import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CATALOGUE, recognize } from '../../src/pytorch/diagnostics/catalogue.ts'
import { failureOf } from '../../src/pytorch/diagnostics/index.ts'
import { parseMessage } from '../../src/pytorch/diagnostics/message.ts'
import { failureFor, FOLDER, lineToBlame } from '../support/script-errors.ts'
import { torchPythons } from '../support/torch.ts'

/** What run.py tells of one file. */
interface Attempt {
  readonly exception?: string
  readonly message?: string
  readonly line?: number | null
  readonly same?: boolean
  readonly run?: string
  readonly syntax?: string
}

function isSince(version: string, first: string | undefined): boolean {
  return first !== undefined && version.localeCompare(first, 'en', { numeric: true }) >= 0
}

describe.each(torchPythons)('script errors on $name', ({ executable, version }) => {
  const { status, stdout, stderr } = spawnSync(executable, [join(FOLDER, 'run.py')], { encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 110_000 })
  const attempts: Record<string, { before: Attempt; after: Attempt }> = status === 0 ? JSON.parse(stdout) : {}

  it('every model was tried', () => {
    expect(Object.keys(attempts).toSorted(), stderr).toEqual(CATALOGUE.map(({ id }) => id).toSorted())
  })

  it.each(CATALOGUE.map((entry) => [entry.id, entry] as const))('%s: recognized by its own entry first, at its line; with the advice applied it converts', async (id, entry) => {
    const { before, after } = attempts[id]!
    expect(after).toMatchObject({ same: true })
    if (before.syntax !== undefined) return
    if (isSince(version, entry.fixedIn)) {
      expect(before).toMatchObject({ same: true })
      return
    }
    expect(before.message, JSON.stringify(before)).toBeTypeOf('string')
    expect(recognize(parseMessage(before.message!)).map((match) => match.entry.id)[0]).toBe(id)
    const error = await failureOf(failureFor(entry, before.message!, before.exception!, before.line ?? undefined))
    expect(error.location?.line).toBe(lineToBlame(id))
    expect(error.likelyCause).toBeTypeOf('string')
    expect(error.fix).toBeTypeOf('string')
  })
})
