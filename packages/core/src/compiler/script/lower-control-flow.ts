import type { Block, Node, Value } from '../ir/graph.ts'
import { boolValue, intValue } from '../ir/ivalue.ts'
import { annotationString, IntType, isSubtype, TensorType } from '../ir/types.ts'
import { unifyTypes } from '../ir/unify.ts'
import type { Expr, Stmt } from './ast.ts'
import { lowerAttribute } from './lower-attributes.ts'
import { lowerCondition, toBool, type Refinement } from './lower-conditions.ts'
import { emitOperatorOn } from './lower-operators.ts'
import { lowerValue, unpack, valueOf } from './lower-values.ts'
import type { Lowering, Variable } from './lowering.ts'
import { simple, type Sugared } from './sugared.ts'
import { assignVariable, debugName } from './variables.ts'

/** Trips of a loop that only its condition ends. */
const NO_TRIP_LIMIT = intValue(2n ** 63n - 1n)

type Statement<K extends Stmt['kind']> = Stmt & { kind: K }

/**
 * `if`; when types or constants decide the condition, only the branch that is taken, as PyTorch does (`emitIfElseBlocks`).
 * A name that both branches know afterwards becomes an output.
 */
export function lowerIf(lowering: Lowering, statement: Statement<'If'>): void {
  const { line } = statement
  const condition = lowerCondition(lowering, statement.condition)
  if (condition.known !== undefined) {
    applyRefinements(lowering, condition.known ? condition.whenTrue : condition.whenFalse, line)
    lowering.statements(condition.known ? statement.body : statement.orElse)
    return
  }
  const node = lowering.statement('prim::If', [condition.value], line)
  const branch = (body: readonly Stmt[], refinements: readonly Refinement[]): Branch => {
    const block = node.addBlock()
    const variables = lowering.inBlock(block, () => {
      applyRefinements(lowering, refinements, line)
      lowering.statements(body)
    })
    return { block, variables }
  }
  const yes = branch(statement.body, condition.whenTrue)
  const no = branch(statement.orElse, condition.whenFalse)
  for (const name of new Set([...yes.variables.keys(), ...no.variables.keys()])) join(lowering, node, name, yes, no, line)
}

interface Branch {
  readonly block: Block
  readonly variables: ReadonlyMap<string, Variable>
}

/** Makes `name` an output of the `if`, where both branches have a value for it and one type covers them. */
function join(lowering: Lowering, node: Node, name: string, yes: Branch, no: Branch, line: number): void {
  const outside = lowering.find(name)
  const inYes = yes.variables.get(name) ?? outside
  const inNo = no.variables.get(name) ?? outside
  if (inYes === undefined || inNo === undefined || 'sugared' in inYes || 'sugared' in inNo) return
  const declared = outside && 'value' in outside ? outside.type.kind : undefined
  const defaultToUnion = declared === 'UnionType' || declared === 'OptionalType' || declared === 'NumberType'
  const type = unifyTypes(inYes.type, inNo.type, { defaultToUnion })
  if (type === undefined) {
    if (outside === undefined) return
    return lowering.fail(line, `'${name}' is a ${annotationString(inYes.type)} in one branch and a ${annotationString(inNo.type)} in the other`)
  }
  yes.block.registerOutput(inYes.value)
  no.block.registerOutput(inNo.value)
  lowering.define(name, { value: node.addOutput(type, debugName(name)), type })
}

function applyRefinements(lowering: Lowering, refinements: readonly Refinement[], line: number): void {
  for (const { name, type } of refinements) {
    const variable = lowering.find(name)
    if (variable === undefined) continue
    const value = valueOf(lowering, lowering.read(variable), line)
    assignVariable(lowering, name, simple(lowering.insert('prim::unchecked_cast', [value], type, line)), undefined, line)
  }
}

/** `while c:` */
export function lowerWhile(lowering: Lowering, statement: Statement<'While'>): void {
  const condition = (): Value => toBool(lowering, lowerValue(lowering, statement.condition), statement.line)
  loop(lowering, statement.body, statement.line, lowering.constant(NO_TRIP_LIMIT), condition, () => {})
}

/** `for i in range(n):`, and over lists and strings. */
export function lowerFor(lowering: Lowering, statement: Statement<'For'>): void {
  const { line, target } = statement
  const iterable = lowering.sugared(statement.iterable)
  const { length, item } = iterable.kind === 'range' ? rangeItems(lowering, iterable.bounds, line) : valueItems(lowering, iterable, line)
  const always = (): Value => lowering.constant(boolValue(true))
  loop(lowering, statement.body, line, length, always, (trip) => assignTarget(lowering, target, item(trip), line))
}

interface Items {
  readonly length: Value
  /** The item of a trip, made in the loop's body. */
  item(trip: Value): Value
}

function rangeItems(lowering: Lowering, bounds: readonly Value[], line: number): Items {
  if (bounds.length < 1 || bounds.length > 3) lowering.fail(line, `range takes one to three arguments, not ${bounds.length}`)
  if (!bounds.every((bound) => isSubtype(bound.type, IntType))) lowering.fail(line, 'range takes ints')
  if (bounds.length === 1) return { length: bounds[0]!, item: (trip) => trip }
  const [start, end] = bounds as [Value, Value]
  const step = bounds[2] ?? lowering.constant(intValue(1))
  return {
    length: emitOperatorOn(lowering, 'aten::__range_length', [start, end, step], line),
    item: (trip) => emitOperatorOn(lowering, 'aten::__derive_index', [trip, start, step], line),
  }
}

function valueItems(lowering: Lowering, iterable: Sugared, line: number): Items {
  let value = valueOf(lowering, iterable, line)
  if (value.type.kind === 'DictType') value = emitOperatorOn(lowering, 'aten::keys', [value], line)
  if (value.type.kind !== 'ListType' && value.type.kind !== 'StringType') lowering.fail(line, `a ${annotationString(value.type)} is no sequence`)
  return {
    length: emitOperatorOn(lowering, 'aten::len', [value], line),
    item: (trip) => emitOperatorOn(lowering, 'aten::__getitem__', [value, trip], line),
  }
}

function assignTarget(lowering: Lowering, target: Expr, value: Value, line: number): void {
  if (target.kind === 'Name') return assignVariable(lowering, target.name, simple(value), undefined, line)
  if (target.kind !== 'Tuple') return lowering.fail(line, 'a loop assigns to names')
  const values = unpack(lowering, simple(value), target.elements.length, line)
  if (values.length !== target.elements.length) lowering.fail(line, `${values.length} values are unpacked into ${target.elements.length} names`)
  target.elements.forEach((each, i) => assignTarget(lowering, each, values[i]!, line))
}

/**
 * A `prim::Loop`. What the body assigns and the code around it knows is carried from trip to trip; the condition is evaluated
 * before the loop and at the end of each trip (torch/csrc/jit/frontend/convert_to_ssa.cpp).
 */
function loop(
  lowering: Lowering, body: readonly Stmt[], line: number, trips: Value, condition: () => Value, begin: (trip: Value) => void,
): void {
  const carried: { name: string; variable: Extract<Variable, { value: Value }> }[] = []
  for (const name of assignedNames(body)) {
    const variable = lowering.find(name)
    if (variable !== undefined && 'value' in variable) carried.push({ name, variable })
  }
  const node = lowering.statement('prim::Loop', [], line)
  lowering.graph.withInsertPoint(node, () => {
    for (const input of [trips, condition(), ...carried.map(({ variable }) => variable.value)]) node.addInput(input)
  })
  const block = node.addBlock()
  const trip = block.addInput(IntType)
  const inner = carried.map(({ name, variable }) => ({ name, value: block.addInput(variable.type, debugName(name)) }))
  const variables = lowering.inBlock(block, () => {
    carried.forEach(({ name, variable }, i) => lowering.define(name, { value: inner[i]!.value, type: variable.type }))
    begin(trip)
    lowering.statements(body)
    block.registerOutput(condition())
  })
  for (const { name, variable } of carried) {
    const last = variables.get(name)
    if (last === undefined || !('value' in last)) lowering.fail(line, `'${name}' is no value at the end of a loop`)
    const type = unifyTypes(variable.type, last.type)
    if (type === undefined || !isSubtype(type, variable.type)) {
      lowering.fail(line, `'${name}' is a ${annotationString(variable.type)} before a loop and a ${annotationString(last.type)} after a trip`)
    }
    block.registerOutput(last.value)
    lowering.define(name, { value: node.addOutput(type, debugName(name)), type: variable.type })
  }
}

/** Names that statements assign, in blocks inside too, in order of appearance. */
function assignedNames(statements: readonly Stmt[], names: Set<string> = new Set()): Set<string> {
  for (const statement of statements) {
    switch (statement.kind) {
      case 'Assign': targetNames(statement.target, names); break
      case 'If':
        assignedNames(statement.body, names)
        assignedNames(statement.orElse, names)
        break
      case 'For':
        targetNames(statement.target, names)
        assignedNames(statement.body, names)
        break
      case 'While': assignedNames(statement.body, names); break
      case 'With':
        if (statement.target) targetNames(statement.target, names)
        assignedNames(statement.body, names)
    }
  }
  return names
}

function targetNames(target: Expr, names: Set<string>): void {
  if (target.kind === 'Name') names.add(target.name)
  else if (target.kind === 'Tuple') for (const element of target.elements) targetNames(element, names)
}

/** `with c as x:` becomes `prim::Enter` and `prim::Exit` around the body. */
export function lowerWith(lowering: Lowering, statement: Statement<'With'>): void {
  const { line, target } = statement
  const context = lowerValue(lowering, statement.context)
  const { type } = context
  const enter = type.kind === 'ClassType' ? type.methods.get('__enter__') : undefined
  if (enter === undefined) return lowering.fail(line, `a ${annotationString(type)} is no context manager`)
  // Only looked up, so that a class without it is refused here.
  lowerAttribute(lowering, simple(context), '__exit__', line)
  const entered = lowering.insert('prim::Enter', [context], enter.schema.returns[0]!.type, line)
  if (target !== undefined) assignTarget(lowering, target, entered, line)
  lowering.statements(statement.body)
  lowering.insert('prim::Exit', [context], TensorType, line)
}
