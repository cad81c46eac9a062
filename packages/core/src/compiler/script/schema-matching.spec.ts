import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allNodes, Graph } from '../ir/graph.ts'
import { NONE } from '../ir/ivalue.ts'
import { requiresNewerRuntime } from '../ir/ops/index.ts'
import { schemaName } from '../ir/schema.ts'
import { parseAnnotationString } from '../ir/type-parser.ts'
import { annotationString } from '../ir/types.ts'
import { emitBuiltinCall, type NamedValue } from './schema-matching.ts'

/** Calls and their resolution, recorded from PyTorch 1.13 by scripts/fixtures/overloads.py. */
const FIXTURES = new URL('../../../test/fixtures/schemas/', import.meta.url)

interface Case {
  line: string
  operator: string
  args: string[]
  version: number | undefined
  operators: string | undefined
  result: string | undefined
}

function readCases(file: URL): Case[] {
  let version: number | undefined
  const cases: Case[] = []
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    if (line.startsWith('@version ')) {
      version = Number(line.slice('@version '.length))
      continue
    }
    const [operator, args, operators, result] = line.split('\t')
    cases.push({ line, operator: operator!, args: args === '' ? [] : args!.split('; '), version, operators, result })
  }
  return cases
}

/** What our resolution makes of a case, in the words of the fixture. */
function resolve({ operator, args, version }: Case): { text: string; newer: boolean } {
  const graph = new Graph()
  const positional: NamedValue[] = []
  const keywords: NamedValue[] = []
  for (const argument of args) {
    const [, name, type] = /^(?:(\w+)=)?(.*)$/.exec(argument)!
    const value = type === 'None' ? graph.insertConstant(NONE) : graph.block.addInput(parseAnnotationString(type!))
    if (name === undefined) positional.push({ value })
    else keywords.push({ name, value })
  }
  let output
  try {
    output = emitBuiltinCall(graph, operator, positional, keywords, undefined, undefined, version)
  } catch (error) {
    if ((error as { code?: string }).code === 'NO_MATCHING_OPERATOR' || (error as { code?: string }).code === 'UNKNOWN_OPERATOR') return { text: 'refused', newer: false }
    throw error
  }
  const nodes = [...allNodes(graph.block)].filter((node) => node.schema !== undefined && node.kind !== 'prim::TupleUnpack')
  return {
    text: `${nodes.map((node) => `${schemaName(node.schema!)}/${node.inputs.length}`).join(' ')}\t${annotationString(output.type)}`,
    newer: nodes.some((node) => requiresNewerRuntime(node.schema!)),
  }
}

/** Old archives' operators are compared as sets, as PyTorch leaves branches standing that types decide. */
function asSet(answer: string): string {
  const operators = answer.split('\t')[0]!
  const helpers = /^(?:prim::unchecked_cast|aten::__is__|aten::Float\.\w+|aten::is_floating_point)\//
  return [...new Set(operators.split(' '))].filter((operator) => !helpers.test(operator)).toSorted().join(' ')
}

function expected({ operators, result }: Case): string {
  return operators === undefined ? 'refused' : `${operators}\t${result}`
}

const CASES = readCases(new URL('overloads.txt', FIXTURES))
/** The same, from PyTorch 2, about operators that 1.13 does not have in this form. */
const NEWER = readCases(new URL('overloads-2x.txt', FIXTURES))

describe('overload resolution', () => {
  it('has cases of every kind', () => {
    expect(CASES.length).toBeGreaterThan(1000)
    expect(CASES.filter((each) => each.operators === undefined).length).toBeGreaterThan(100)
  })

  it('agrees with PyTorch 1.13 on every call', () => {
    const wrong: string[] = []
    for (const each of CASES) {
      const { text, newer } = resolve(each)
      let ours = newer ? 'refused' : text
      let theirs = expected(each)
      if (each.version !== undefined) [ours, theirs] = [asSet(ours), asSet(theirs)]
      if (ours !== theirs) wrong.push(`${each.version ?? ''} ${each.line}\n  ours: ${text}`)
    }
    expect(wrong).toEqual([])
  })

  it('agrees with PyTorch 2 where 1.13 has no answer, and says so', () => {
    const wrong: string[] = []
    let newerCalls = 0
    for (const each of NEWER) {
      const { text, newer } = resolve(each)
      if (newer) newerCalls++
      const known = !newer && text !== 'refused'
      if (!known && text !== expected(each)) wrong.push(`${each.line}\n  ours: ${text}`)
    }
    expect(wrong).toEqual([])
    expect(newerCalls).toBeGreaterThan(100)
  })
})
