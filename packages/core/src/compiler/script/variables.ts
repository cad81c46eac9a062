import type { Value } from '../ir/graph.ts'
import { annotationString, isSubtype, type Type } from '../ir/types.ts'
import type { Lowering } from './lowering.ts'
import { tryConvertToType } from './schema-matching.ts'
import type { Sugared } from './sugared.ts'

/** `_12` is a name that PyTorch made up; it says nothing. */
const MADE_UP = /^_\d*$/

/** The name to show for a value that code calls `name`; undefined for one that says nothing. */
export function debugName(name: string): string | undefined {
  return MADE_UP.test(name) ? undefined : name
}

/**
 * Gives a name a value (`Environment::setSugaredVar` in ir_emitter.cpp). A name of an outer block keeps its type: the value is
 * converted, as the block may or may not run.
 */
export function assignVariable(lowering: Lowering, name: string, assigned: Sugared, annotation: Type | undefined, line: number): void {
  if (assigned.kind !== 'value' && assigned.kind !== 'nothing') {
    if (lowering.findOutside(name) !== undefined) lowering.fail(line, `'${name}' is assigned a ${assigned.kind} in a block`)
    lowering.define(name, { sugared: assigned })
    return
  }
  let value = assigned.kind === 'nothing' ? lowering.none() : assigned.value
  // A list that has a name is one list, so its type is settled.
  if (value.node.kind === 'prim::EmptyListLiteral') value = lowering.insert('prim::ListConstruct', [], value.type, line)
  const outside = lowering.findOutside(name)
  if (outside !== undefined) {
    if ('sugared' in outside) return lowering.fail(line, `'${name}' is a ${outside.sugared.kind} and is assigned a value in a block`)
    value = lowering.located(line, () => tryConvertToType(lowering.graph, outside.type, value, lowering.range(line)))
    expectType(lowering, name, value, outside.type, line)
  }
  if (annotation !== undefined) expectType(lowering, name, value, annotation, line)
  if (value.node.kind !== 'prim::Constant' && value.node.owningBlock === lowering.block) value.debugName ??= debugName(name)
  lowering.define(name, { value, type: annotation ?? value.type })
}

function expectType(lowering: Lowering, name: string, value: Value, type: Type, line: number): void {
  if (!isSubtype(value.type, type)) {
    lowering.fail(line, `'${name}' is a ${annotationString(type)} and is assigned a ${annotationString(value.type)}`)
  }
}
