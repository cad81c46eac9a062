import { describe, expect, it } from 'vitest'
import { graphOf, recordLog, structure } from '../../../test/ir.ts'
import { classType } from '../ir/class-type.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { verify } from '../ir/verifier.ts'
import { foldPrePackingOps } from './fold-prepacking-ops.ts'

const CONTEXT = '__torch__.torch.classes.vulkan.LinearPackedContext'
const constant = (name: string, weight: string): string =>
  `  ${name} : ${CONTEXT} = prim::Constant[value=<CustomObject ${CONTEXT} <Any[]>[<Tensor Float[3, 3] "${weight}">, None]>]()\n`
const NET = classType('__torch__.Net', { isModule: true })
const types = { types: new Map([['__torch__.Net', NET]]) }
const SCHEMA = { name: '__torch__.Net.forward', overload: '', arguments: [], returns: [], isVararg: false, isVarret: false }

const text = (rest: string): string => `graph(%self : __torch__.Net, %x : Tensor, %flag : bool):\n${rest}`
const run = (result: string, input: string, context: string, indent = '  '): string => `${indent}${result} : Tensor = vulkan_prepack::run_linear_context(${input}, ${context})\n`

describe('foldPrePackingOps', () => {
  it('makes packed weights attributes of a new module, inner blocks last', () => {
    const graph = graphOf(text(`${constant('%a', 'a')}${constant('%b', 'b')}${run('%y', '%x', '%a')}  %z : Tensor = prim::If(%flag)
    block0():
${run('%i', '%y', '%b', '      ')}      -> (%i)
    block1():
      -> (%y)
${run('%o', '%z', '%a')}  return (%o)`), types)
    const root: ObjectValue = { tag: 'Object', type: NET, slots: new Map() }
    const log = recordLog()
    const folded = foldPrePackingOps([{ name: 'forward', schema: SCHEMA, graph }], root, log)
    const name = 'prepack_folding_forward._jit_pass_packed_weight_'
    expect([...folded.slots.keys()]).toEqual([`${name}0`, `${name}1`])
    expect(folded.type.attributes.map((attribute) => attribute.name)).toEqual([`${name}0`, `${name}1`])
    expect(folded.slots.get(`${name}1`)).toMatchObject({ state: { elements: [{ value: { storage: { identity: 'b' } } }, { tag: 'None' }] } })
    expect(graph.inputs[0]!.type).toBe(folded.type)
    expect(root.slots.size + NET.attributes.length).toBe(0)
    expect(log.changes.get('fold_prepacking_ops')).toBe(2)
    verify(graph)
    const read = (result: string, n: number, indent = '  '): string => `${indent}${result} : ${CONTEXT} = prim::GetAttr[name="${name}${n}"](%self)\n`
    expect(structure(graph)).toBe(structure(graphOf(text(`${read('%a', 0)}${run('%y', '%x', '%a')}  %z : Tensor = prim::If(%flag)
    block0():
${read('%b', 1, '      ')}${run('%i', '%y', '%b', '      ')}      -> (%i)
    block1():
      -> (%y)
${read('%c', 0)}${run('%o', '%z', '%c')}  return (%o)`), { types: new Map([['__torch__.Net', folded.type]]) })))
  })

  it('leaves a module without packed weights', () => {
    const root: ObjectValue = { tag: 'Object', type: NET, slots: new Map() }
    expect(foldPrePackingOps([{ name: 'forward', schema: SCHEMA, graph: graphOf(text('  return (%x)'), types) }], root, recordLog())).toBe(root)
  })

  it('takes other names where these are taken', () => {
    const taken = 'prepack_folding_forward._jit_pass_packed_weight_0'
    const root: ObjectValue = { tag: 'Object', type: NET, slots: new Map([[taken, { tag: 'None' }]]) }
    const graph = graphOf(text(`${constant('%a', 'a')}${run('%y', '%x', '%a')}  return (%y)`), types)
    expect([...foldPrePackingOps([{ name: 'forward', schema: SCHEMA, graph }], root, recordLog()).slots.keys()]).toEqual([taken, `${taken}_1`])
  })
})
