import type { Machine } from '../machine.ts'
import type { Family, Implementation, OperatorTable } from '../operator.ts'
import { results, type Value } from '../values.ts'
import { formatPercent, formatText, formatValue } from './format.ts'
import { sliceIndices } from './slices.ts'

// PyTorch's strings are bytes of UTF-8: `len`, indices and the methods count bytes, letters are those of ASCII, and no method knows Unicode
// (torch/csrc/jit/runtime/register_prim_ops.cpp). So operators work on strings whose characters are bytes.

/** The bytes of a text as characters. */
function toBytes(text: string): string {
  if (/^[\0-\x7F]*$/.test(text)) return text
  // Bytes that are no text came from a cut through a character; see toText.
  return text.replace(/[^\0-\x7F]/gu, (character) => {
    const code = character.codePointAt(0)!
    return String.fromCharCode(...code >= 0xDC80 && code <= 0xDCFF ? [code - 0xDC00] : new TextEncoder().encode(character))
  })
}

/** The text of bytes; those that are none become lone surrogates, as Python's `surrogateescape` writes them. */
function toText(bytes: string): string {
  if (/^[\0-\x7F]*$/.test(bytes)) return bytes
  return bytes.replace(/[\xC2-\xDF][\x80-\xBF]|[\xE0-\xEF][\x80-\xBF]{2}|[\xF0-\xF4][\x80-\xBF]{3}|[\x80-\xFF]/g, (part) =>
    part.length === 1 ? String.fromCharCode(part.charCodeAt(0) + 0xDC00)
      : new TextDecoder().decode(Uint8Array.from(part, (character) => character.charCodeAt(0))))
}

type Method = (m: Machine, text: string, ...args: never[]) => Value

/** An operator whose strings are bytes, in its arguments and in what it gives. */
function onBytes(run: Method): Implementation {
  const map = (value: Value, change: (text: string) => string): Value =>
    typeof value === 'string' ? change(value) : Array.isArray(value) ? value.map((each: Value) => map(each, change)) : value
  return (m, ...args: Value[]) => map((run as Implementation)(m, ...args.map((value) => map(value, toBytes))) as Value, toText)
}

const methods = (named: Readonly<Record<string, Method>>): OperatorTable =>
  Object.fromEntries(Object.entries(named).map(([name, run]) => [`aten::${name}`, onBytes(run)]))

/** What is asked of a part of a text. */
type PartMethod = (m: Machine, text: string, part: string, start: bigint, end: bigint) => Value

const methodsOfParts = (named: Readonly<Record<string, PartMethod>>): Readonly<Record<string, Method>> =>
  Object.fromEntries(Object.entries(named).map(([name, run]) => [`${name}(self, substr, start=0, end=-1)`, run]))

const upper = (text: string): string => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
const title = (text: string): string => lower(text).replace(/(?<![A-Za-z])[a-z]/g, upper)

/** What `start` and `end` mean: negative ones count from behind, the end with one more, so that -1 is the end itself. */
function cut(m: Machine, text: string, start: bigint, end: bigint): { part: string; begin: number; stop: number } {
  const begin = Number(start) < 0 ? Math.max(text.length + Number(start), 0) : Number(start)
  const stop = Number(end) < 0 ? Math.max(text.length + Number(end) + 1, 0) : Number(end)
  if (begin > text.length && stop > begin) throw m.fail(`position ${begin} is greater than the size ${text.length}`)
  return { part: stop > begin ? text.slice(begin, stop) : '', begin, stop }
}

/** Of `startswith` and `endswith`, for which an end before the start is no end. */
function within(m: Machine, text: string, start: bigint, end: bigint): string {
  const { begin, stop, part } = cut(m, text, start, end)
  if (begin > text.length) throw m.fail(`position ${begin} is greater than the size ${text.length}`)
  return stop < begin ? text.slice(begin) : part
}

function find(m: Machine, text: string, part: string, start: bigint, end: bigint, last: boolean): bigint {
  const { part: within, begin } = cut(m, text, start, end)
  const at = last ? within.lastIndexOf(part) : within.indexOf(part)
  return BigInt(at < 0 ? -1 : at + begin)
}

function found(m: Machine, at: bigint): bigint {
  if (at < 0n) throw m.fail('ValueError: substring not found')
  return at
}

function split(text: string, separator: string, max: bigint): string[] {
  const parts = text.split(separator)
  const limit = Number(max)
  return limit < 0 || parts.length <= limit + 1 ? parts : [...parts.slice(0, limit), parts.slice(limit).join(separator)]
}

function rsplit(text: string, separator: string, max: bigint): string[] {
  const parts = text.split(separator)
  const first = parts.length - 1 - Number(max)
  return max < 0n || first <= 0 ? parts : [parts.slice(0, first + 1).join(separator), ...parts.slice(first + 1)]
}

function stripLeft(text: string, chars: string): string {
  let begin = 0
  while (begin < text.length && chars.includes(text[begin]!)) begin++
  return text.slice(begin)
}

function stripRight(text: string, chars: string): string {
  let end = text.length
  while (end > 0 && chars.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}

function padding(m: Machine, text: string, width: bigint, fill: string): string {
  if (fill.length !== 1) throw m.fail('TypeError: The fill character must be exactly one character long')
  return fill.repeat(Math.max(Number(width) - text.length, 0))
}

function center(m: Machine, text: string, width: bigint, fill: string): string {
  const fills = padding(m, text, width, fill)
  const left = width % 2n === 0n ? Math.floor(fills.length / 2) : Math.ceil(fills.length / 2)
  return fills.slice(0, left) + text + fills.slice(left)
}

function partition(text: string, separator: string, at: number, none: readonly string[]): readonly string[] {
  return at < 0 ? none : [text.slice(0, at), separator, text.slice(at + separator.length)]
}

function replace(text: string, old: string, by: string, max: bigint): string {
  if (old !== '') return split(text, old, max).join(by)
  // Before each character, and at the end.
  const times = max < 0n ? text.length + 1 : Math.min(Number(max), text.length + 1)
  return [...text, ''].map((each, i) => (i < times ? by : '') + each).join('')
}

function count(m: Machine, text: string, part: string, start: bigint, end: bigint): bigint {
  if (Number(start) > text.length) return 0n
  const { begin, stop } = cut(m, text, start, end)
  // PyTorch does not come back from that.
  if (part === '') throw m.fail('an empty string cannot be counted')
  let number = 0n
  for (let at = text.indexOf(part, begin); at >= 0 && at < stop; at = text.indexOf(part, at + part.length)) number++
  return number
}

function expandTabs(text: string, size: number): string {
  let column = 0
  let answer = ''
  for (const character of text) {
    const piece = character !== '\t' ? character : size > 0 ? ' '.repeat(size - column % size) : ''
    answer += piece
    column += piece.length
  }
  return answer
}

function characterAt(m: Machine, text: string, index: bigint): string {
  const character = text[Number(index) < 0 ? text.length + Number(index) : Number(index)]
  if (character === undefined) throw m.fail('string index out of range')
  return character
}

/** An int with a prefix. */
function based(prefix: string, base: number): Method {
  return (_m, text) => {
    const value = BigInt(text)
    return value < 0n ? `-${prefix}${(-value).toString(base)}` : prefix + value.toString(base)
  }
}

const whole = (pattern: RegExp): Method => (_m, text) => pattern.test(text)

// eslint-disable-next-line no-control-regex -- ends of lines are control characters
const ENDS = /[\n\r\v\f\x1C-\x1E\x85]/
// eslint-disable-next-line no-control-regex -- so is blank space
const BLANKS = /[ \t\n\r\v\f\x1C-\x1E\x85]+/

const strings: Family = {
  name: 'strings',
  operators: {
    'aten::str(elem)': (m, value: Value) => formatValue(m, value),
    'aten::format(self, ...)': (m, text: string, ...args: Value[]) => formatText(m, text, args),
    'aten::percentFormat(self, ...)': (m, text: string, value: Value) => formatPercent(m, text, value),
    ...methods({
      'add.str(a, b)': (_m, a, b: string) => a + b,
      'join(self, values)': (_m, text, values: string[]) => values.join(text),
      'len.str(s)': (_m, text) => BigInt(text.length),
      'list(t)': (_m, text) => [...text],
      '__getitem__.str(s, index)': (m, text, index: bigint) => characterAt(m, text, index),
      'slice.str(string, start=None, end=None, step=1)': (m, text, start: bigint | null, end: bigint | null, step: bigint) =>
        sliceIndices(m, text.length, start, end, step).map((i) => text[i]).join(''),
      'ord(string)': (m, text) => {
        if (text.length !== 1) throw m.fail(`String for ord() must be 1 character, found ${text.length}`)
        return BigInt(text.charCodeAt(0))
      },
      'chr(i)': (m, value) => {
        if (BigInt(value) < 0n || BigInt(value) >= 1_114_111n) throw m.fail(`chr() arg not in range(0x110000), found ${value}`)
        return String.fromCharCode(Number(value) & 255)
      },
      'upper(self)': (_m, text) => upper(text),
      'lower(self)': (_m, text) => lower(text),
      'title(self)': (_m, text) => title(text),
      'capitalize(self)': (_m, text) => upper(text.slice(0, 1)) + lower(text.slice(1)),
      'swapcase(self)': (_m, text) => text.replace(/[A-Za-z]/g, (letter) => upper(letter) === letter ? lower(letter) : upper(letter)),
      'strip(self, chars=" \n\t\f\v")': (_m, text, chars: string) => stripRight(stripLeft(text, chars), chars),
      'lstrip(self, chars=" \n\t\f\v")': (_m, text, chars: string) => stripLeft(text, chars),
      'rstrip(self, chars=" \n\t\f\v")': (_m, text, chars: string) => stripRight(text, chars),
      'split.str(self, separator=None, max=-1)': (m, text, separator: string | null, max: bigint) => {
        if (separator === '') throw m.fail('ValueError: empty separator')
        return separator === null ? text.split(BLANKS).filter(Boolean) : split(text, separator, max)
      },
      'rsplit(self, separator=" ", max=-1)': (_m, text, separator: string, max: bigint) => rsplit(text, separator, max),
      'splitlines(self, keepends=False)': (_m, text, keep: boolean) => {
        // PyTorch gives the line ends as elements of their own.
        const parts = text.split(keep ? new RegExp(`(${ENDS.source})`) : ENDS)
        return parts.at(-1) === '' ? parts.slice(0, -1) : parts
      },
      ...methodsOfParts({
        startswith: (m, text, part, start, end) => within(m, text, start, end).startsWith(part),
        endswith: (m, text, part, start, end) => within(m, text, start, end).endsWith(part),
        count,
        find: (m, text, part, start, end) => find(m, text, part, start, end, false),
        rfind: (m, text, part, start, end) => find(m, text, part, start, end, true),
        'index.str': (m, text, part, start, end) => found(m, find(m, text, part, start, end, false)),
        rindex: (m, text, part, start, end) => found(m, find(m, text, part, start, end, true)),
      }),
      'replace(self, old, new, max=-1)': (_m, text, old: string, by: string, max: bigint) => replace(text, old, by, max),
      'expandtabs(self, tabsize=8)': (_m, text, size: bigint) => expandTabs(text, Number(size)),
      'center(self, width, fillchar=" ")': (m, text, width: bigint, fill: string) => center(m, text, width, fill),
      'ljust(self, width, fillchar=" ")': (m, text, width: bigint, fill: string) => text + padding(m, text, width, fill),
      'rjust(self, width, fillchar=" ")': (m, text, width: bigint, fill: string) => padding(m, text, width, fill) + text,
      'zfill(self, width)': (m, text, width: bigint) => padding(m, text, width, '0') + text,
      'isupper(self)': (_m, text) => /[A-Z]/.test(text) && !/[a-z]/.test(text),
      'islower(self)': (_m, text) => /[a-z]/.test(text) && !/[A-Z]/.test(text),
      'istitle(self)': (_m, text) => /[A-Za-z]/.test(text) && title(text) === text,
      'isalnum(self)': whole(/^[A-Za-z\d]+$/),
      'isalpha(self)': whole(/^[A-Za-z]+$/),
      'isdigit(self)': whole(/^\d+$/),
      'isdecimal(self)': whole(/^\d+$/),
      'isnumeric(self)': whole(/^\d+$/),
      'isspace(self)': whole(/^[ \t\n\v\f\r]+$/),
      'isprintable(self)': whole(/^[ -~]*$/),
      'isidentifier(self)': whole(/^[A-Za-z][A-Za-z\d]*$/),
      'hex(i)': based('0x', 16),
      'oct(i)': based('0o', 8),
      'bin(i)': based('0b', 2),
      'lt.str(a, b)': (_m, a, b: string) => a < b,
      'gt.str(a, b)': (_m, a, b: string) => a > b,
      'le.str(a, b)': (_m, a, b: string) => a <= b,
      'ge.str(a, b)': (_m, a, b: string) => a >= b,
      'eq.str(a, b)': (_m, a, b: string) => a === b,
      'ne.str(a, b)': (_m, a, b: string) => a !== b,
    }),
    'prim::StringIndex(string, index)': onBytes((m, text, index: bigint) => characterAt(m, text, index)),
    'aten::partition(self, separator)': (_m, text: string, separator: string) =>
      results(...partition(text, separator, text.indexOf(separator), [text, '', ''])),
    'aten::rpartition(self, separator)': (_m, text: string, separator: string) =>
      results(...partition(text, separator, text.lastIndexOf(separator), ['', '', text])),
  },
}

export default strings
