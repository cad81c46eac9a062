import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../../test/ir.ts'
import { toIValue } from '../../ir/graph.ts'
import type { IValue } from '../../ir/ivalue.ts'
import { evaluate } from './index.ts'

/**
 * Written by scripts/fixtures/ir.py: an operator, the type of its result, its constant arguments as `type text`, and what PyTorch's
 * interpreter gives. Floats are texts.
 */
const CASES = JSON.parse(readFileSync(new URL('../../../../test/fixtures/ir/operators.json', import.meta.url), 'utf8')) as
  [op: string, type: string, ...rest: (string | number | boolean | number[])[]][]

const SPECIAL: Readonly<Record<string, string>> = { inf: 'Infinity', '-inf': '-Infinity', nan: 'NaN', raises: 'raises' }

function plain(value: IValue | undefined): unknown {
  switch (value?.tag) {
    case 'Int': return Number(value.value)
    case 'Bool': return value.value
    case 'Double': return Number.isFinite(value.value) ? value.value : String(value.value)
    case 'List': return value.elements.map(plain)
    default: return 'raises'
  }
}

describe('evaluate', () => {
  it('gives what PyTorch gives', () => {
    let evaluated = 0
    for (const [op, type, ...rest] of CASES) {
      const result = rest.pop()!
      const constants = rest.map((argument, i) => String(argument).replace(/^(\S+) (.*)$/, `  %c${i} : $1 = prim::Constant[value=$2]()\n`))
      const text = `graph():\n${constants.join('')}  %r : ${type} = ${op}(${constants.map((_, i) => `%c${i}`).join(', ')})\n  return (%r)`
      const node = graphOf(text).outputs[0]!.node
      const values = evaluate(node, node.inputs.map((input) => toIValue(input)!))
      // What is not evaluated is right, too; but most of these must be.
      if (values === undefined) continue
      evaluated++
      const wanted = typeof result === 'string' ? SPECIAL[result] ?? Number(result) : result
      expect(plain(values[0]), text).toEqual(wanted)
    }
    expect(evaluated).toBeGreaterThan(CASES.length * 0.9)
  })
})
