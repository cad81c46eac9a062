import { describe, expect, it } from 'vitest'
import { codeFrame } from './frame.ts'

const lines = ['def f(x):', '\ty = x', '    return g(x, y)', '', 'end', 'more']

describe('a code frame', () => {
  it('shows the lines around, numbered, with carets under what is meant', () => {
    expect(codeFrame(lines, { line: 3, column: 12, width: 7 })).toBe([
      '1 |  def f(x):', '2 |  \ty = x', '3 |      return g(x, y)', '  |             ^^^^^^^', '4 |', '5 |  end',
    ].join('\n'))
  })

  it('marks the whole line where no column is known', () => {
    expect(codeFrame(lines, { line: 3 })).toContain('\n  |      ^^^^^^^^^^^^^^\n')
  })

  it('keeps tabs in front of the carets, so that they stand where they should', () => {
    expect(codeFrame(lines, { line: 2, column: 2, width: 1 })).toContain('2 |  \ty = x\n  |  \t^\n')
  })

  it('ends the mark with the line, and has none beyond the line or what is shown of it', () => {
    expect(codeFrame(['ab'], { line: 1, column: 2, width: 50 })).toBe('1 |  ab\n  |   ^')
    expect(codeFrame(['ab'], { line: 1, column: 9 })).toBe('1 |  ab')
    expect(codeFrame([`${'x'.repeat(500)}`], { line: 1, column: 400 })).toBe(`1 |  ${'x'.repeat(160)}`)
  })

  it('is empty for a line that is not there', () => {
    expect(codeFrame(lines, { line: 7 })).toBe('')
    expect(codeFrame(lines, { line: 0 })).toBe('')
  })
})
