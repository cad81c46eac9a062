import { describe, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { dictFromList } from './dict-from-list.ts'

describe('DictFromList', () => {
  it('writes out pairs that are known', () => {
    expectPass(dictFromList, `graph(%x : Tensor, %k : str):
  %a : str = prim::Constant[value="a"]()
  %p : (str, Tensor) = prim::TupleConstruct(%a, %x)
  %q : (str, Tensor) = prim::TupleConstruct(%k, %x)
  %l : (str, Tensor)[] = prim::ListConstruct(%p, %q)
  %d : Dict(str, Tensor) = aten::dict(%l)
  return (%d)`, `graph(%x : Tensor, %k : str):
  %a : str = prim::Constant[value="a"]()
  %p : (str, Tensor) = prim::TupleConstruct(%a, %x)
  %q : (str, Tensor) = prim::TupleConstruct(%k, %x)
  %l : (str, Tensor)[] = prim::ListConstruct(%p, %q)
  %d : Dict(str, Tensor) = prim::DictConstruct(%a, %x, %k, %x)
  return (%d)`)
  })

  it('goes over a list of pairs that is known only while running', () => {
    expectPass(dictFromList, `graph(%l : (int, Tensor)[]):
  %d : Dict(int, Tensor) = aten::dict(%l)
  return (%d)`, `graph(%l : (int, Tensor)[]):
  %d : Dict(int, Tensor) = prim::DictConstruct()
  %n : int = aten::len(%l)
  %true : bool = prim::Constant[value=1]()
   = prim::Loop(%n, %true)
    block0(%i : int):
      %pair : (int, Tensor) = aten::__getitem__(%l, %i)
      %zero : int = prim::Constant[value=0]()
      %key : int = prim::TupleIndex(%pair, %zero)
      %one : int = prim::Constant[value=1]()
      %value : Tensor = prim::TupleIndex(%pair, %one)
       = aten::_set_item(%d, %key, %value)
      -> (%true)
  return (%d)`)
  })

  it('leaves copies of dicts alone', () => {
    expectPass(dictFromList, `graph(%d : Dict(str, Tensor)):
  %e : Dict(str, Tensor) = aten::dict(%d)
  return (%e)`)
  })
})
