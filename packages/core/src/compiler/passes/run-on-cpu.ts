import { AliasDb } from '../ir/alias-analysis.ts'
import { allNodes, toIValue, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { insertDeviceOf, insertTransfer, isTransfer } from './device-transfer.ts'
import { analyzeLayouts, type Layout } from './layout-analysis.ts'
import { holdsTensors, TensorMover } from './move-tensors.ts'
import type { PassLog } from './pass.ts'
import { PREPACKED_RUNS } from './prepacked-context.ts'
import { insertConstant, METADATA_OPS } from './rewriting.ts'
import { holdsNoFloats } from './whole-numbers.ts'

/** Why a GPU cannot be trusted with an operator; undefined where it can. */
export type Lack = (node: Node, layoutOf: (value: Value) => Layout) => string | undefined

/** What {@link runOnCpu} is to do. */
export interface CpuRun {
  readonly lack: Lack
  /** True where the model is given tensors on the GPU, but for those of whole numbers. */
  readonly inputsAreThere: boolean
  /** True where results go back at once to where the first tensor was; they stay on the CPU until the next packed operator otherwise. */
  readonly back?: boolean
}

/**
 * Runs on the CPU what the GPU has no right kernel for: its tensors are copied there. Nothing of the like is in PyTorch, whose files fail,
 * or give other numbers, where this pass does something. Writes in place stay, as a copy would not show them; memory
 * that is seen and written through other names, by operators of which the GPU lacks some, is on the CPU from where it is made.
 */
export function runOnCpu(run: CpuRun): (graph: Graph, log: PassLog) => void {
  return (graph, log) => {
    const placer = new Placer(graph, run, log)
    placer.block(graph.block)
    if (placer.changed > 0) log.changed('run_on_cpu', placer.changed)
  }
}

/** Operators that give what is in a container. */
const TAKING: ReadonlySet<string> = new Set(['aten::__getitem__', 'prim::ListUnpack', 'prim::TupleIndex', 'prim::TupleUnpack', 'prim::unchecked_cast'])

const CONTAINERS: ReadonlySet<string> = new Set(['prim::ListConstruct', 'prim::DictConstruct'])

class Placer {
  changed = 0
  /** Values whose tensors are all on the CPU for certain. */
  readonly #onCpu: Set<Value>
  readonly #aliasDb: AliasDb
  /** Made here, so that the analysis does not know them; nothing writes to them. */
  readonly #copies: Set<Value> = new Set()
  readonly #layoutOf: (value: Value) => Layout
  /** Memory that has to be on the CPU as a whole. */
  readonly #pinned: ReadonlySet<number>
  readonly #run: CpuRun
  readonly #log: PassLog

  constructor(graph: Graph, run: CpuRun, log: PassLog) {
    this.#onCpu = new Set(graph.inputs.filter((input) => !run.inputsAreThere || holdsNoFloats(input)))
    this.#aliasDb = new AliasDb(graph)
    this.#layoutOf = analyzeLayouts(graph)
    this.#run = run
    this.#log = log
    this.#pinned = new Set([...allNodes(graph.block)].flatMap((node) => this.#sharedWrites(node)))
  }

  block(block: Block): void {
    const mover = new TensorMover('cpu')
    for (const node of block.nodes()) {
      for (const inner of node.blocks) this.block(inner)
      this.#place(node, mover)
      if (node.blocks.length === 0) for (const output of node.outputs) this.#pin(node, output)
    }
  }

  /** Memory that is written and that `node`, which has no kernel, writes or gives another name: with a copy of its input that would be lost. */
  #sharedWrites(node: Node): number[] {
    if (!this.#isOperator(node) || this.#run.lack(node, this.#layoutOf) === undefined) return []
    const named = node.outputs.filter((output) => this.#aliasDb.hasWriters(output) && this.#aliasDb.mayContainAlias(node.inputs, output))
    return [...named, ...this.#written(node)].flatMap((value) => Array.from(this.#aliasDb.reachable(value)))
  }

  #isPinned(value: Value): boolean {
    if (this.#pinned.size === 0 || !holdsTensors(value.type) || this.#copies.has(value)) return false
    for (const location of this.#aliasDb.reachable(value)) if (this.#pinned.has(location)) return true
    return false
  }

  /** Moves new memory to the CPU where it is made, for good. */
  #pin(node: Node, output: Value): void {
    if (output.type.kind !== 'TensorType' || isTransfer(node) || this.#stays(output) || node.kind === 'prim::GetAttr') return
    if (!this.#isPinned(output) || this.#aliasDb.mayContainAlias(node.inputs.filter((value) => !this.#copies.has(value)), output)) return
    const uses = [...output.uses]
    const moved = insertTransfer(node.next!, output, 'cpu')
    this.#aliasDb.copyValue(output, moved)
    this.#onCpu.add(moved)
    for (const { user, offset } of uses) user.replaceInput(offset, moved)
    this.changed++
  }

  #place(node: Node, mover: TensorMover): void {
    if (node.kind === 'prim::If') {
      node.outputs.forEach((output, i) => { if (node.blocks.every((block) => this.#stays(block.outputs[i]!))) this.#onCpu.add(output) })
    } else if (node.kind === 'prim::device') this.#makeOnCpu(node)
    else if (isTransfer(node)) this.#transfer(node)
    else if (this.#mustMove(node)) this.#surround(node, mover)
    else if (this.#runsOnCpu(node)) for (const output of node.outputs) this.#onCpu.add(output)
  }

  /** True for what gives tensors on the CPU because it is given such. Containers that are written to may hold others, too. */
  #runsOnCpu(node: Node): boolean {
    if (node.blocks.length > 0 || PREPACKED_RUNS[node.kind] !== undefined || node.kind === 'prim::GetAttr') return false
    if (CONTAINERS.has(node.kind) && this.#aliasDb.isWritten(node.output)) return false
    return node.inputs.every((value) => this.#stays(value) && !isElsewhere(value))
  }

  /** New tensors where another is: no GPU fills any. */
  #makeOnCpu(device: Node): void {
    if (this.#stays(device.input(0))) return
    const uses = [...device.output.uses]
    for (const { user, offset } of uses) {
      if (user.schema === undefined || takesTensors(user)) continue
      user.replaceInput(offset, insertConstant(user, { tag: 'Device', value: 'cpu' }))
      this.changed++
    }
  }

  /** True for what holds no tensor on the GPU for certain. */
  #stays(value: Value): boolean {
    return this.#onCpu.has(value) || value.node.kind === 'prim::Constant' || !holdsTensors(value.type)
  }

  #transfer(node: Node): void {
    const device = toIValue(node.input(1))
    if (device?.tag !== 'Device' || device.value !== 'cpu') return
    if (this.#onCpu.has(node.input(0))) node.output.replaceAllUsesWith(node.input(0))
    this.#onCpu.add(node.output)
  }

  #mustMove(node: Node): boolean {
    if (!this.#isOperator(node) || node.inputs.every((value) => this.#stays(value))) return false
    const why = this.#writesToCpu(node) ? 'it writes to a tensor on the CPU' : this.#run.lack(node, this.#layoutOf)
    if (why === undefined) return false
    const reason = this.#writesToGpu(node) ? 'it writes to its input' : this.#viewsPinned(node) ? 'its input is written to under another name' : undefined
    if (reason === undefined) return true
    this.#log.declined('run_on_cpu', node.kind, `${why}, and ${reason}`)
    return false
  }

  /** An operator that computes with tensors, or gives other views of them. */
  #isOperator(node: Node): boolean {
    if (!node.kind.includes('::') || node.kind.startsWith('prim::') || METADATA_OPS.has(node.kind) || TAKING.has(node.kind)) return false
    return node.schema !== undefined && takesTensors(node)
  }

  /** What was pinned and is not on the CPU was not made here: only where it really is, is it known under all of its names. */
  #viewsPinned(node: Node): boolean {
    return node.outputs.some((output) => this.#isPinned(output)
      && node.inputs.some((value) => !this.#stays(value) && this.#isPinned(value) && this.#aliasDb.mayContainAlias([value], output)))
  }

  #written(node: Node): Value[] {
    return node.inputs.filter((_, i) => node.schema!.arguments[i]?.alias?.isWrite === true)
  }

  /** A write to the CPU's memory needs all else there, too. */
  #writesToCpu(node: Node): boolean {
    const written = this.#written(node)
    return written.length > 0 && written.every((value) => value.type.kind === 'TensorType' && this.#stays(value))
  }

  #writesToGpu(node: Node): boolean {
    return this.#written(node).some((value) => !this.#stays(value))
  }

  #surround(node: Node, mover: TensorMover): void {
    const place = this.#run.back ? node.inputs.find((value) => value.type.kind === 'TensorType' && !this.#stays(value)) : undefined
    const back = place && insertDeviceOf(node, place)
    node.inputs.forEach((value, i) => {
      if (this.#stays(value) || !TensorMover.canMove(value.type)) return
      // A copy of what is written to later would not follow.
      const fresh = this.#copies.has(value) || !this.#aliasDb.hasWriters(value) ? mover : new TensorMover('cpu')
      node.replaceInput(i, fresh.move(node, value))
    })
    this.changed++
    for (const output of node.outputs) {
      if (back === undefined || output.type.kind !== 'TensorType') {
        this.#onCpu.add(output)
        continue
      }
      const uses = [...output.uses]
      const moved = insertTransfer(node.next!, output, back)
      this.#copies.add(moved)
      for (const { user, offset } of uses) user.replaceInput(offset, moved)
    }
  }
}

/** A device that may not be the CPU. */
function isElsewhere(value: Value): boolean {
  if (value.type.kind !== 'DeviceObjType') return false
  const device = toIValue(value)
  return device?.tag !== 'Device' || device.value !== 'cpu'
}

/** An operator on tensors in lists; others, as `append`, only pass them on. */
function takesTensors({ schema }: Node): boolean {
  return schema!.arguments.some(({ type }) => type.kind === 'TensorType' || (type.kind === 'ListType' && holdsTensors(type.element)) || (type.kind === 'OptionalType' && type.element.kind === 'TensorType'))
}
