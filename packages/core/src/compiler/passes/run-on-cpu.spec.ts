import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { bringToGpu } from './bring-to-gpu.ts'
import { runOnCpu, type Lack } from './run-on-cpu.ts'

const lack: Lack = ({ kind }) => ['aten::gelu', 'aten::cat', 'aten::silu_', 'aten::select'].includes(kind) ? 'the runtime lacks it' : undefined
const there = runOnCpu({ lack, inputsAreThere: true })
const CONTEXT = '__torch__.torch.classes.vulkan.LinearPackedContext'
const CONSTANTS = `  %none : str = prim::Constant[value="none"]()
  %one : int = prim::Constant[value=1]()
  %w : Tensor = prim::Constant[value=<Tensor Float[3, 3] "w">]()
  %c : ${CONTEXT} = prim::Constant[value=<CustomObject ${CONTEXT} <Any[]>[<Tensor Float[3, 3] "w">, None]>]()
`
const graph = (rest: string): string => `graph(%x : Tensor, %l : Tensor[]):\n${CONSTANTS}${rest}`

let count = 0
function to(result: string, value: string, device: string): string {
  const n = count++
  const where = device.startsWith('%') ? device : `%d${n}`
  return [...device.startsWith('%') ? [] : [`%d${n} : Device = prim::Constant[value="${device}"]()`], `%n${n} : None = prim::Constant()`,
    `%f${n} : bool = prim::Constant[value=0]()`, `%g${n} : bool = prim::Constant[value=0]()`,
    `${result} : Tensor = aten::to(${value}, ${where}, %n${n}, %f${n}, %g${n})`].map((line) => `  ${line}\n`).join('')
}

describe('runOnCpu', () => {
  it('copies the tensors of what the GPU lacks to the CPU, once', () => {
    const { log } = expectPass(there, graph(`  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::gelu(%a, %none)
  %c2 : Tensor = aten::gelu(%a, %none)
  %d : Tensor = aten::gelu(%b, %none)
  return (%c2, %d)`), graph(`  %a : Tensor = aten::relu(%x)
${to('%m', '%a', 'cpu')}  %b : Tensor = aten::gelu(%m, %none)
  %c2 : Tensor = aten::gelu(%m, %none)
  %d : Tensor = aten::gelu(%b, %none)
  return (%c2, %d)`))
    expect(log.changes.get('run_on_cpu')).toBe(2)
  })

  it('copies the tensors in lists', () => {
    expectPass(there, graph('  %l2 : Tensor[] = prim::ListConstruct(%x, %w)\n  %y : Tensor = aten::cat(%l2, %one)\n  return (%y)'),
      graph(`  %l2 : Tensor[] = prim::ListConstruct(%x, %w)
${to('%a', '%x', 'cpu')}${to('%b', '%w', 'cpu')}  %l3 : Tensor[] = prim::ListConstruct(%a, %b)
  %y : Tensor = aten::cat(%l3, %one)
  return (%y)`))
  })

  it('gives results back where they are due', () => {
    expectPass(runOnCpu({ lack, inputsAreThere: true, back: true }), graph('  %y : Tensor = aten::gelu(%x, %none)\n  return (%y)'), graph(`  %p : Device = prim::device(%x)
${to('%a', '%x', 'cpu')}  %y : Tensor = aten::gelu(%a, %none)
${to('%b', '%y', '%p')}  return (%b)`))
  })

  it('needs no copy of what is on the CPU already, not even to give it out', () => {
    expectPass(runOnCpu({ lack, inputsAreThere: false }), graph(`  %y : Tensor = aten::gelu(%x, %none)\n${to('%a', '%y', 'cpu')}  return (%a)`),
      graph(`  %y : Tensor = aten::gelu(%x, %none)\n${to('%a', '%y', 'cpu')}  return (%y)`))
  })

  it('has memory on the CPU from where it is made, that is written to by what the GPU lacks', () => {
    expectPass(there, graph('  %a : Tensor = aten::relu(%x)\n  %y : Tensor = aten::silu_(%a)\n  return (%a)'),
      graph(`  %a : Tensor = aten::relu(%x)\n${to('%b', '%a', 'cpu')}  %y : Tensor = aten::silu_(%b)\n  return (%b)`))
  })

  it('has memory on the CPU from where it is made, that is written to through a view that the GPU lacks', () => {
    const written = (made: string, base: string): string => graph(`  %a : Tensor = aten::relu(%x)
${made}  %v : Tensor = aten::select(${base}, %one, %one)
  %y : Tensor = aten::add_(%v, %one, %one)
  %z : Tensor = aten::relu(${base})
  return (${base}, %z)`)
    expectPass(there, written('', '%a'), written(to('%b', '%a', 'cpu'), '%b'))
  })

  it('copies for a view of what nothing writes to', () => {
    const viewed = (copy: string, base: string): string => graph(`  %a : Tensor = aten::relu(%x)
${copy}  %v : Tensor = aten::select(${base}, %one, %one)
  %y : Tensor = aten::add(%v, %one, %one)
  return (%a, %y)`)
    expectPass(there, viewed('', '%a'), viewed(to('%b', '%a', 'cpu'), '%b'))
  })

  it('leaves writes to what was not made here', () => {
    for (const [lines, why] of [
      ['  %y : Tensor = aten::silu_(%x)\n', /writes to its input/],
      ['  %v : Tensor = aten::select(%x, %one, %one)\n  %y : Tensor = aten::add_(%v, %one, %one)\n', /written to under another name/],
    ] as const) {
      const { log } = expectPass(there, graph(`${lines}  return (%x)`))
      expect(log.declines).toMatchObject([{ pass: 'run_on_cpu', why: expect.stringMatching(why) as string }])
    }
  })

  it('writes to the CPU what is computed on the GPU', () => {
    expectPass(there, graph('  %a : Tensor = aten::clone(%w, %opt)\n  %y : Tensor = aten::add_(%a, %x, %one)\n  return (%a)').replace('  %a :', '  %opt : None = prim::Constant()\n  %a :'),
      graph(`  %opt : None = prim::Constant()\n  %a : Tensor = aten::clone(%w, %opt)\n${to('%b', '%x', 'cpu')}  %y : Tensor = aten::add_(%a, %b, %one)\n  return (%a)`))
  })
})

describe('bringToGpu', () => {
  const run = (input: string): string => `  %y : Tensor = vulkan_prepack::run_linear_context(${input}, %c)\n  return (%y)`

  it('brings what is computed of constants, and leaves what is there', () => {
    const both = (first: string): string => graph(`  %a : Tensor = aten::relu(%w)
${first}  %z : Tensor = aten::add(%x, %w, %one)
  %v : Tensor = vulkan_prepack::run_linear_context(%z, %c)
  return (%y, %v)`)
    expectPass(bringToGpu('vulkan', true), both('  %y : Tensor = vulkan_prepack::run_linear_context(%a, %c)\n'),
      both(`${to('%b', '%a', 'vulkan')}  %y : Tensor = vulkan_prepack::run_linear_context(%b, %c)\n`))
  })

  it('brings inputs where they are on the CPU', () => {
    expectPass(bringToGpu('vulkan', false), graph(run('%x')), graph(to('%b', '%x', 'vulkan') + run('%b')))
  })

  it('finds Metal by the input', () => {
    const metal = (text: string): string => text.replaceAll('vulkan.LinearPackedContext', 'metal.LinearOpContext').replaceAll('vulkan_prepack::run_linear_context', 'metal_prepack::linear_run')
    const text = graph(`  %a : Tensor = aten::relu(%w)\n${run('%a')}`)
    expectPass(bringToGpu('metal', true), metal(text), metal(graph(`  %a : Tensor = aten::relu(%w)\n${to('%b', '%a', '%p')}${run('%b')}`)).replace('  %none', '  %p : Device = prim::device(%x)\n  %none'))
  })
})
