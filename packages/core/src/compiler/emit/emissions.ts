import type { Node } from '../ir/graph.ts'
import { type EmitNode, type Emitter, operatorKey, refusal } from './emitter.ts'
import type { Opcode } from './opcodes.ts'
import type { Step } from './stackless.ts'

/** Emits a node by the table; every kind that is not in it is an operator of the runtime. */
export function emitNode(emitter: Emitter, node: Node): Step<void> {
  const op = emitter.form.promoted ? PROMOTED[node.kind] : undefined
  const emit = op === undefined ? EMISSIONS[node.kind] ?? emitOperator : instruction(op, op === 'FORMAT' ? ({ inputs }) => inputs.length : undefined)
  return emit(emitter, node)
}

/** Operators that are instructions since bytecode version 8. Source: interpreter/code_impl.h (`emitOperatorOrInstruction`). */
export const PROMOTED: Readonly<Record<string, Opcode>> = {
  'prim::TupleIndex': 'TUPLE_INDEX', 'prim::RaiseException': 'RAISE_EXCEPTION', 'prim::Uninitialized': 'UN_INITIALIZED',
  'prim::dtype': 'DTYPE', 'prim::device': 'DEVICE', 'prim::is_cuda': 'IS_CUDA', 'prim::NumToTensor': 'NUM_TO_TENSOR',
  'prim::tolist': 'TO_LIST', 'aten::dim': 'DIM', 'aten::format': 'FORMAT', 'aten::__not__': '__NOT__', 'aten::__is__': '__IS__',
  'aten::__isnot__': '__ISNOT__',
}

/** How each kind of node that is not an ordinary operator call is emitted. Source: interpreter/code_impl.h (`emitNode`). */
const EMISSIONS: Readonly<Record<string, EmitNode>> = {
  'prim::Drop': (emitter, node) => emitter.drop(node, node.inputs),
  'prim::If': emitIf,
  'prim::Loop': emitLoop,
  'prim::GetAttr': attribute('GET_ATTR'),
  'prim::SetAttr': attribute('SET_ATTR'),
  'prim::CallMethod': emitCallMethod,
  'prim::TupleConstruct': emitTupleConstruct,
  'prim::ListConstruct': typed('LIST_CONSTRUCT'),
  'prim::DictConstruct': typed('DICT_CONSTRUCT'),
  'prim::isinstance': emitIsinstance,
  'prim::ListUnpack': instruction('LIST_UNPACK', (node) => node.outputs.length),
  'prim::TupleSlice': instruction('TUPLE_SLICE', (node) => integer(node, 'beg'), (node) => integer(node, 'end') - integer(node, 'beg')),
  'aten::warn': instruction('WARN', (node) => node.attributes.has('warn_id') ? integer(node, 'warn_id') : -1),
  'prim::CallFunction': refused('a function that calls itself', 'there are no calls in bytecode'),
  'prim::CreateObject': refused('an object of a class of its own', 'it creates no objects but lists, dicts and tuples'),
  'prim::fork': refused('torch.jit.fork', 'it has one thread'),
  'aten::wait': refused('torch.jit.wait', 'it has one thread'),
  'prim::awaitable': refused('torch.jit._awaitable', 'it has no lazy values'),
  'prim::Enter': refused('a with statement', 'it has no context managers'),
  'prim::Exit': refused('a with statement', 'it has no context managers'),
  'prim::PythonOp': refused('Python code', 'it has no Python'),
}

/** Kinds that the runtime registers as operators but whose nodes have no signature. Its name says which arguments are counted at run time. */
const UNTYPED_OPERATORS: Readonly<Record<string, { readonly isVararg: boolean; readonly overload?: string }>> = {
  'prim::TupleUnpack': { isVararg: false },
  'prim::unchecked_cast': { isVararg: false },
  'prim::Print': { isVararg: true },
  'prim::TupleIndex': { isVararg: false },
  'prim::RaiseException': { isVararg: false },
  'prim::Uninitialized': { isVararg: false },
  'prim::dtype': { isVararg: false },
  'prim::device': { isVararg: false },
  'prim::is_cuda': { isVararg: false },
  'prim::NumToTensor': { isVararg: false, overload: 'Scalar' },
  // Registered with variable arguments, of which it always takes three.
  'prim::tolist': { isVararg: false },
}

function* emitOperator(emitter: Emitter, node: Node): Step<void> {
  const { schema } = node
  const untyped = UNTYPED_OPERATORS[node.kind]
  const name = schema?.name ?? node.kind
  const overload = schema?.overload ?? untyped?.overload ?? ''
  const isVararg = (untyped ?? schema)?.isVararg
  if (isVararg === undefined) throw new Error(`${node.kind} has no schema`)
  if (emitter.form.promoted && name === 'aten::__getitem__' && overload.startsWith('Dict')) return yield instruction('DICT_INDEX')(emitter, node)
  if (isVararg) {
    yield emitter.load(node, node.inputs)
    emitter.insert(node, 'OPN', emitter.operatorIndex(name, overload, node.inputs.length, true), node.inputs.length)
    return
  }
  if (schema && !untyped && schema.arguments.length !== node.inputs.length) {
    throw new Error(`${node.kind} has ${node.inputs.length} inputs and ${schema.arguments.length} arguments`)
  }
  const { leading, out } = emitter.necessary(operatorKey(name, overload)) ?? { leading: node.inputs.length, out: 0 }
  yield emitter.load(node, node.inputs.slice(0, leading))
  yield emitter.load(node, node.inputs.slice(node.inputs.length - out))
  emitter.insert(node, 'OP', emitter.operatorIndex(name, overload, node.inputs.length, false))
}

/** Pushes all inputs and runs one instruction. */
function instruction(op: Opcode, x: (node: Node) => number = () => 0, n: (node: Node) => number = () => 0): EmitNode {
  return function* (emitter, node) {
    yield emitter.load(node, node.inputs)
    emitter.insert(node, op, x(node), n(node))
  }
}

/** A container of the type of the node's output. */
function typed(op: Opcode): EmitNode {
  return function* (emitter, node) {
    yield emitter.load(node, node.inputs)
    emitter.insert(node, op, emitter.insertType(node, node.output.type), node.inputs.length)
  }
}

function attribute(op: Opcode): EmitNode {
  return function* (emitter, node) {
    const { type } = node.input(0)
    if (type.kind !== 'ClassType') throw refusal(node, 'an attribute of an interface', 'it knows attributes by their place in a class')
    yield emitter.load(node, node.inputs)
    emitter.insert(node, op, emitter.slotOf(type, node.string('name')))
  }
}

/** Methods of custom C++ classes are found by name at run time; those of modules have been inlined, or call themselves. */
function* emitCallMethod(emitter: Emitter, node: Node): Step<void> {
  const { type } = node.input(0)
  const name = node.string('name')
  if (type.kind !== 'ClassType') throw refusal(node, `the interface call '${name}'`, 'it cannot tell which module is meant')
  if (!type.torchbind) throw refusal(node, `the recursive method '${name}'`, 'there are no calls in bytecode')
  yield emitter.load(node, node.inputs)
  emitter.insertMethodCall(node, name)
}

function emitTupleConstruct(emitter: Emitter, node: Node): Step<void> {
  const { type } = node.output
  const isNamed = emitter.form.namedTuples && type.kind === 'TupleType' && type.name !== undefined
  return (isNamed ? typed('NAMED_TUPLE_CONSTRUCT') : instruction('TUPLE_CONSTRUCT', () => node.inputs.length))(emitter, node)
}

function* emitIsinstance(emitter: Emitter, node: Node): Step<void> {
  const types = node.attributes.get('types')
  if (types?.kind !== 'tys') throw new Error('prim::isinstance has no types')
  yield emitter.load(node, node.inputs)
  const indices = types.value.map((type) => emitter.insertType(node, type))
  emitter.insert(node, 'ISINSTANCE', indices[0] ?? emitter.types.length, indices.length)
}

/** Jumps are relative to the jumping instruction; the results of the branch stay on the stack. */
function* emitIf(emitter: Emitter, node: Node): Step<void> {
  const { instructions } = emitter
  yield emitter.load(node, node.inputs)
  const atIf = instructions.length
  const jumpToElse = emitter.insert(node, 'JF')
  yield emitter.block(node.blocks[0]!)
  const atEnd = instructions.length
  const jumpToEnd = emitter.insert(node, 'JMP')
  jumpToElse.x = instructions.length - atIf
  yield emitter.block(node.blocks[1]!)
  jumpToEnd.x = instructions.length - atEnd
}

/** The stack holds trip count, maximum, condition and the carried values when LOOP runs; it leaves the carried values. */
function* emitLoop(emitter: Emitter, node: Node): Step<void> {
  const { instructions } = emitter
  emitter.insert(node, 'LOADC', emitter.insertConstant({ tag: 'Int', value: 0n }))
  yield emitter.load(node, node.inputs)
  const start = instructions.length
  const loop = emitter.insert(node, 'LOOP', 0, node.inputs.length)
  yield emitter.block(node.blocks[0]!)
  emitter.insert(node, 'JMP', start - instructions.length)
  loop.x = instructions.length - start
}

function refused(what: string, why: string): EmitNode {
  return (_, node) => {
    throw refusal(node, what, why)
  }
}

function integer(node: Node, name: string): number {
  const value = node.attributes.get(name)
  if (value?.kind !== 'i') throw new Error(`${node.kind} has no integer attribute ${name}`)
  return Number(value.value)
}
