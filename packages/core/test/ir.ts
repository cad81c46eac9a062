import { expect } from 'vitest'
import type { Graph } from '../src/compiler/ir/graph.ts'
import { parseGraph, type ParseOptions } from '../src/compiler/ir/parser.ts'
import { printGraph } from '../src/compiler/ir/printer.ts'
import { verify } from '../src/compiler/ir/verifier.ts'
import { eliminateDeadCode } from '../src/compiler/passes/dead-code-elimination.ts'
import type { Pass, PassLog } from '../src/compiler/passes/pass.ts'

/** A pass log that remembers. */
export interface RecordedLog extends PassLog {
  readonly changes: Map<string, number>
  readonly declines: { pass: string; what: string; why: string }[]
}

export function recordLog(): RecordedLog {
  const changes = new Map<string, number>()
  const declines: RecordedLog['declines'] = []
  return {
    changes, declines,
    changed: (pass, count) => { changes.set(pass, (changes.get(pass) ?? 0) + count) },
    declined: (pass, what, why) => { declines.push({ pass, what, why }) },
  }
}

/** Parses and verifies; also checks that the printed graph reads back as itself. */
export function graphOf(text: string, options?: ParseOptions): Graph {
  const graph = parseGraph(text, options)
  verify(graph)
  const printed = printGraph(graph)
  expect(printGraph(parseGraph(printed, options)), 'print, parse, print').toBe(printed)
  return graph
}

/** A graph's structure as text: values are numbered in order of appearance, names are left out. */
export function structure(graph: Graph): string {
  return printGraph(graph, { numbered: true })
}

/** Something that can be run on a graph: a Pass, or a function alike. */
export type Runnable = { run(graph: Graph, log: PassLog): void } | ((graph: Graph, log: PassLog) => void)

/**
 * Runs `pass` on the graph `before` and expects the structure of `after`; leave `after` out when nothing may change.
 * Verifies before and after. Names of values do not count. Gives the graph and what the pass told.
 */
export function expectPass(pass: Runnable, before: string, after: string = before, options?: ParseOptions): { graph: Graph; log: RecordedLog } {
  const graph = graphOf(before, options)
  const log = recordLog()
  if (typeof pass === 'function') pass(graph, log)
  else pass.run(graph, log)
  verify(graph)
  expect(structure(graph)).toBe(structure(graphOf(after, options)))
  return { graph, log }
}

/** A pass, and what it leaves unused removed, so that specs show what counts. */
export function tidied(pass: Pass): Pass {
  return {
    name: pass.name,
    run: (graph, log) => {
      pass.run(graph, log)
      eliminateDeadCode(graph)
    },
  }
}
