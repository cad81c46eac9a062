import { PetalError } from '@petaljs/core'
import { describe, expect, it } from 'vitest'
import { errorText } from '../src/bundlers/bundler.ts'

/** What Vite's overlay removes from a message when the error has a frame of its own (packages/vite/src/client/overlay.ts). */
const VITE_DROPS = /^(?:>?\s*\d+\s+\|.*|\s+\|\s*\^.*)\r?\n/gm

describe('the text of a refusal', () => {
  it('quotes the place inside of the model, so that Vite shows it whole', () => {
    const frame = '  20 |   else:\n> 21 |     result = torch.flurble(input)\n  22 |   return result'
    const error = new PetalError({
      code: 'X', message: 'The model calls aten::flurble.', cause: 'Who knows.', location: { file: 'code/net.py', line: 21, frame },
    })
    const text = errorText(error)
    expect(text.split('\n')).toEqual([
      'The model calls aten::flurble.', '', 'Who knows.', '', 'In the model: code/net.py:21',
      '|   20 |   else:', '| > 21 |     result = torch.flurble(input)', '|   22 |   return result',
    ])
    expect(text.replace(VITE_DROPS, '')).toBe(text)
  })

  it('is the message where there is no place', () => {
    expect(errorText(new PetalError({ code: 'X', message: 'Nothing there.', fix: 'Look.' }))).toBe('Nothing there.\n\nLook.')
  })
})
