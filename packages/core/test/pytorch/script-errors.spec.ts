import { describe, expect, it } from 'vitest'
import { CATALOGUE, recognize } from '../../src/pytorch/diagnostics/catalogue.ts'
import { failureOf } from '../../src/pytorch/diagnostics/index.ts'
import { parseMessage } from '../../src/pytorch/diagnostics/message.ts'
import { failureFor, ids, lineToBlame, recorded } from '../support/script-errors.ts'

/** The line that ran, as the worker knows it: only where a call failed, and PyTorch names no place. */
function ranLine(id: string, what: string): number | undefined {
  return parseMessage(what).places.length === 0 && CATALOGUE.find((entry) => entry.id === id)!.method === 'trace' ? lineToBlame(id) : undefined
}

describe('the catalogue of script errors', () => {
  it('has a folder with an example for every entry, and no other', () => {
    expect(CATALOGUE.map(({ id }) => id).toSorted()).toEqual(ids)
  })

  it.each(CATALOGUE.map((entry) => [entry.id, entry] as const))('%s: what PyTorch says is recognized, shown at its line and explained', async (id, entry) => {
    const what = recorded(entry)
    expect(recognize(parseMessage(what)).map((match) => match.entry.id)[0]).toBe(id)
    const error = await failureOf(failureFor(entry, what, 'RuntimeError', ranLine(id, what)))
    expect(error.location?.line).toBe(lineToBlame(id))
    if (lineToBlame(id) !== undefined) expect(error.location?.frame).toContain('# <- here')
    for (const text of [error.likelyCause, error.fix]) {
      expect(text).toMatch(/^\S.*\S$/)
      expect(text, 'a group that the pattern did not find').not.toMatch(/\{[a-z]+\}|undefined|__torch__|\(inferred\)|``/)
    }
    expect(error.what).not.toMatch(/\n|__torch__|0x[0-9a-f]/)
  })
})
