import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { scalarOperands } from './scalar-operands.ts'

const graph = (constants: string, rest: string): string => `graph(%self : int, %x : Tensor, %l : Tensor[]):\n  %one : int = prim::Constant[value=1]()\n${constants}${rest}`
const before = (tensor: string): string => `  %t : Tensor = prim::Constant[value=<Tensor ${tensor}>]()\n`

describe('scalarOperands', () => {
  it.each<[string, string, string, string, string]>([
    ['a float', 'add', 'Float[] {0.5}', 'float', '0.5'], ['a double', 'mul', 'Double[] {2.5}', 'float', '2.5'], ['a long', 'sub', 'Long[] {3}', 'int', '3'], ['an int', 'div', 'Int[] {-3}', 'int', '-3'],
  ])('takes %s out of its tensor', (_, name, tensor, type, number) => {
    const rest = (operand: string): string => `  %y : Tensor = aten::${name}(%x, ${operand}${name === 'add' || name === 'sub' ? ', %one' : ''})\n  return (%y)`
    const { log } = expectPass(scalarOperands, graph(before(tensor), rest('%t')), graph(before(tensor), `  %s : ${type} = prim::Constant[value=${number}]()\n${rest('%s')}`))
    expect(log.changes.get('scalar_operands')).toBe(1)
  })

  it('goes on with what it made', () => {
    expectPass(scalarOperands, graph(before('Long[] {3}'), '  %y : Tensor = aten::mul(%x, %t)\n  %z : Tensor = aten::mul(%y, %t)\n  return (%z)'), graph(before('Long[] {3}'),
      '  %a : int = prim::Constant[value=3]()\n  %y : Tensor = aten::mul(%x, %a)\n  %b : int = prim::Constant[value=3]()\n  %z : Tensor = aten::mul(%y, %b)\n  return (%z)'))
  })

  it.each<[string, string]>([
    ['tensors with dimensions', graph(before('Float[1] {0.5}'), '  %y : Tensor = aten::mul(%x, %t)\n  return (%y)')],
    ['what may not be of floats', graph(before('Double[] {0.5}'), '  %e : Tensor = aten::__getitem__(%l, %one)\n  %y : Tensor = aten::mul(%e, %t)\n  return (%y)')],
    ['numbers that the model changes', graph(before('Float[] {0.5}'), '  %u : Tensor = aten::add_(%t, %one, %one)\n  %y : Tensor = aten::mul(%x, %t)\n  return (%y)')],
    ['truth values', graph(before('Bool[] {1}'), '  %y : Tensor = aten::mul(%x, %t)\n  return (%y)')],
  ])('leaves %s', (_, text) => { expectPass(scalarOperands, text) })
})
