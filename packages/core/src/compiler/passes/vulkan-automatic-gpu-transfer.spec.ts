import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { vulkanAutomaticGpuTransfer } from './vulkan-automatic-gpu-transfer.ts'

const NAME = 'vulkan_automatic_gpu_transfer'
let count = 0
/** Text that brings a tensor to a device. */
function to(result: string, value: string, device: 'cpu' | 'vulkan', indent = '  '): string {
  const n = count++
  return [`%d${n} : Device = prim::Constant[value="${device}"]()`, `%n${n} : None = prim::Constant()`, `%f${n} : bool = prim::Constant[value=0]()`,
    `%g${n} : bool = prim::Constant[value=0]()`, `${result} : Tensor = aten::to(${value}, %d${n}, %n${n}, %f${n}, %g${n})`].map((line) => `${indent}${line}\n`).join('')
}

describe('vulkanAutomaticGpuTransfer', () => {
  it('brings a tensor in and out', () => {
    const { log } = expectPass(vulkanAutomaticGpuTransfer, `graph(%self : int, %x : Tensor):
  %y : Tensor = aten::relu(%x)
  return (%y)`, `graph(%self : int, %x : Tensor):
${to('%a', '%x', 'vulkan')}  %y : Tensor = aten::relu(%a)
${to('%b', '%y', 'cpu')}  return (%b)`)
    expect(log.changes.get(NAME)).toBe(2)
  })

  it('takes tuples apart and puts them together', () => {
    const type = '(Tensor, int)'
    expectPass(vulkanAutomaticGpuTransfer, `graph(%self : int, %p : ${type}):
  %t : Tensor, %i : int = prim::TupleUnpack(%p)
  %y : Tensor = aten::relu(%t)
  %q : ${type} = prim::TupleConstruct(%y, %i)
  return (%q)`, `graph(%self : int, %p : ${type}):
  %s : Tensor, %j : int = prim::TupleUnpack(%p)
${to('%a', '%s', 'vulkan')}  %r : ${type} = prim::TupleConstruct(%a, %j)
  %t : Tensor, %i : int = prim::TupleUnpack(%r)
  %y : Tensor = aten::relu(%t)
  %q : ${type} = prim::TupleConstruct(%y, %i)
${to('%b', '%y', 'cpu')}  %o : ${type} = prim::TupleConstruct(%b, %i)
  return (%o)`)
  })

  it('copies lists in a loop, and lists that are built one by one', () => {
    expectPass(vulkanAutomaticGpuTransfer, `graph(%self : int, %l : Tensor[]):
  %zero : int = prim::Constant[value=0]()
  %x : Tensor = aten::__getitem__(%l, %zero)
  %y : Tensor = aten::relu(%x)
  %q : Tensor[] = prim::ListConstruct(%y, %y)
  return (%q)`, `graph(%self : int, %l : Tensor[]):
  %copy : Tensor[] = prim::ListConstruct()
  %n : int = aten::len(%l)
  %yes : bool = prim::Constant[value=1]()
   = prim::Loop(%n, %yes)
    block0(%i : int):
      %e : Tensor = aten::__getitem__(%l, %i)
${to('%a', '%e', 'vulkan', '      ')}      %more : Tensor[] = aten::append(%copy, %a)
      -> (%yes)
  %zero : int = prim::Constant[value=0]()
  %x : Tensor = aten::__getitem__(%copy, %zero)
  %y : Tensor = aten::relu(%x)
  %q : Tensor[] = prim::ListConstruct(%y, %y)
${to('%b', '%y', 'cpu')}  %o : Tensor[] = prim::ListConstruct(%b, %b)
  return (%o)`)
  })

  it('copies dicts in a loop', () => {
    expectPass(vulkanAutomaticGpuTransfer, `graph(%self : int, %d : Dict(str, Tensor), %k : str):
  %x : Tensor = aten::__getitem__(%d, %k)
  %n : int = aten::dim(%x)
  return (%n)`, `graph(%self : int, %d : Dict(str, Tensor), %k : str):
  %copy : Dict(str, Tensor) = prim::DictConstruct()
  %keys : str[] = aten::keys(%d)
  %m : int = aten::len(%keys)
  %yes : bool = prim::Constant[value=1]()
   = prim::Loop(%m, %yes)
    block0(%i : int):
      %key : str = aten::__getitem__(%keys, %i)
      %e : Tensor = aten::__getitem__(%d, %key)
${to('%a', '%e', 'vulkan', '      ')}       = aten::_set_item(%copy, %key, %a)
      -> (%yes)
  %x : Tensor = aten::__getitem__(%copy, %k)
  %n : int = aten::dim(%x)
  return (%n)`)
  })

  it('asks what may be None', () => {
    expectPass(vulkanAutomaticGpuTransfer, `graph(%self : int, %o : Tensor?):
  %l : Tensor?[] = prim::ListConstruct(%o)
  %n : int = aten::len(%l)
  return (%n)`, `graph(%self : int, %o : Tensor?):
  %none : None = prim::Constant()
  %is : bool = aten::__isnot__(%o, %none)
  %moved : Tensor? = prim::If(%is)
    block0():
      %t : Tensor = prim::unchecked_cast(%o)
${to('%a', '%t', 'vulkan', '      ')}      -> (%a)
    block1():
      -> (%o)
  %l : Tensor?[] = prim::ListConstruct(%moved)
  %n : int = aten::len(%l)
  return (%n)`)
  })

  it('leaves what is only handed through, and what has no tensors', () => {
    const { log } = expectPass(vulkanAutomaticGpuTransfer, 'graph(%self : int, %x : Tensor, %l : int[]):\n  return (%x, %l)')
    expect(log.declines).toEqual([])
  })

  it.each<[string, string, RegExp]>([
    ['indices', 'graph(%self : int, %x : Tensor):\n  %w : Tensor = prim::Constant[value=<Tensor Float[4, 3] "w">]()\n  %n : int = prim::Constant[value=-1]()\n  %f : bool = prim::Constant[value=0]()\n  %s : int[] = prim::Constant[value=[-1]]()\n  %v : Tensor = aten::view(%x, %s)\n  %y : Tensor = aten::embedding(%w, %v, %n, %f, %f)\n  %i : int = aten::dim(%y)\n  return (%i)', /whole numbers/],
    ['what the model writes to', 'graph(%self : int, %x : Tensor):\n  %y : Tensor = aten::relu_(%x)\n  %i : int = aten::dim(%y)\n  return (%i)', /writes to it/],
    ['anything', 'graph(%self : int, %x : Any):\n  %l : Any[] = prim::ListConstruct(%x)\n  %i : int = aten::len(%l)\n  return (%i)', /not known/],
  ])('leaves %s on the CPU', (_, text, why) => {
    const { log } = expectPass(vulkanAutomaticGpuTransfer, text)
    expect(log.declines).toMatchObject([{ pass: NAME, why: expect.stringMatching(why) as string }])
  })
})
