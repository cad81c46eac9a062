import { describe, it } from 'vitest'
import { expectPass, type Runnable } from '../../../test/ir.ts'
import { classType } from '../ir/class-type.ts'
import { tensorValue, type ObjectValue } from '../ir/ivalue.ts'
import { literalTensor } from '../ir/literal.ts'
import { TensorType, type Type } from '../ir/types.ts'
import { removeInferenceContexts } from './remove-inference-contexts.ts'

const NET = classType('Net', { isModule: true })
NET.attributes.push({ name: 'weight', type: TensorType, isParameter: true, isBuffer: false })
const types = new Map<string, Type>([['Net', NET]])

function pass(requiresGrad = false): Runnable {
  const weight = tensorValue({ ...literalTensor('Float', [1], [1]), requiresGrad })
  const root: ObjectValue = { tag: 'Object', type: NET, slots: new Map([['weight', weight]]) }
  return (graph, log) => removeInferenceContexts([graph], root, log)
}

const NO_GRAD = `graph(%self : Net, %x : Tensor):
  %before : bool = aten::is_grad_enabled()
  %false : bool = prim::Constant[value=0]()
   = aten::set_grad_enabled(%false)
  %y : Tensor = aten::relu(%x)
   = aten::set_grad_enabled(%before)
  return (%y)`

describe('RemoveInferenceContexts', () => {
  it('removes switches of gradients', () => {
    expectPass(pass(), NO_GRAD, `graph(%self : Net, %x : Tensor):
  %before : bool = aten::is_grad_enabled()
  %false : bool = prim::Constant[value=0]()
  %y : Tensor = aten::relu(%x)
  return (%y)`, { types })
  })

  it('removes names of ranges', () => {
    expectPass(pass(), `graph(%x : Tensor, %name : str, %other : Tensor):
  %none : None = prim::Constant()
  %handle : Tensor = profiler::_record_function_enter(%name, %none)
  %y : Tensor = aten::relu(%x)
   = profiler::_record_function_exit(%handle)
   = profiler::_record_function_exit(%other)
  return (%y)`, `graph(%x : Tensor, %name : str, %other : Tensor):
  %none : None = prim::Constant()
  %y : Tensor = aten::relu(%x)
   = profiler::_record_function_exit(%other)
  return (%y)`)
  })

  const read = '  %w : Tensor = prim::GetAttr[name="weight"](%self)\n  %z : Tensor = aten::add_(%w, %x, %one)'
  it.each([
    ['asks for them', NO_GRAD.replace('return (%y)', 'return (%before)'), pass()],
    ['asks whether a tensor has one', NO_GRAD.replace('return (%y)', '%r : bool = prim::requires_grad(%y)\n  return (%r)'), pass()],
    ['keeps a tensor that has one', NO_GRAD.replace('  %y :', `  %one : int = prim::Constant[value=1]()\n${read}\n  %y :`), pass(true)],
  ])('leaves switches of gradients to a model that %s', (_, text, run) => {
    expectPass(run, text, text, { types })
  })
})
