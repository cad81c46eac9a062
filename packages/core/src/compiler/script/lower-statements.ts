import type { Value } from '../ir/graph.ts'
import { AnyType, annotationString, isSubtype, sameType, type Type } from '../ir/types.ts'
import type { AssignStmt, Expr, Stmt } from './ast.ts'
import { lowerFor, lowerIf, lowerWhile, lowerWith } from './lower-control-flow.ts'
import { emitOperatorOn } from './lower-operators.ts'
import { lowerValue, unpack, valueOf } from './lower-values.ts'
import type { Lowering } from './lowering.ts'
import { tryConvertToType } from './schema-matching.ts'
import { syntaxError } from './source.ts'
import { simple, type Sugared } from './sugared.ts'
import { assignVariable } from './variables.ts'

/** Lowers the statements of a block, without returns: {@link lowerReturn} is the function's own. */
export function lowerStatements(lowering: Lowering, statements: readonly Stmt[]): void {
  for (const statement of statements) lowerStatement(lowering, statement)
}

function lowerStatement(lowering: Lowering, statement: Stmt): void {
  switch (statement.kind) {
    case 'Pass': return
    case 'Expr':
      lowering.sugared(statement.value)
      return
    case 'Assign': return lowerAssign(lowering, statement)
    case 'If': return lowerIf(lowering, statement)
    case 'While': return lowerWhile(lowering, statement)
    case 'For': return lowerFor(lowering, statement)
    case 'With': return lowerWith(lowering, statement)
    case 'FunctionDef':
      // The body of a forked task, or of a gradient, which only its use makes an error.
      lowering.define(statement.name, { sugared: { kind: 'closure', definition: statement } })
      return
    case 'Return':
      throw syntaxError(lowering.source, statement.line, 'a function returns before its end')
  }
}

function lowerAssign(lowering: Lowering, statement: AssignStmt): void {
  const { target, value, line } = statement
  if (value === undefined) throw syntaxError(lowering.source, line, 'a declaration without a value')
  switch (target.kind) {
    case 'Name': {
      const type = statement.type && lowering.typeOf(statement.type)
      assignVariable(lowering, target.name, lowering.sugared(value, type), type, line)
      return
    }
    case 'Tuple': {
      const values = value.kind === 'Tuple'
        ? value.elements.map((element) => lowerValue(lowering, element))
        : unpack(lowering, lowering.sugared(value), target.elements.length, line)
      return assignEach(lowering, target.elements, values, line)
    }
    default:
      return assignTo(lowering, target, simple(lowerValue(lowering, value, statement.type && lowering.typeOf(statement.type))), line)
  }
}

function assignEach(lowering: Lowering, targets: readonly Expr[], values: readonly Value[], line: number): void {
  if (targets.length !== values.length) lowering.fail(line, `${values.length} values are unpacked into ${targets.length} names`)
  targets.forEach((target, i) => assignTo(lowering, target, simple(values[i]!), line))
}

/** Assigns to a name, an attribute, an element, or several of these in parentheses. */
function assignTo(lowering: Lowering, target: Expr, value: Sugared, line: number): void {
  switch (target.kind) {
    case 'Name': return assignVariable(lowering, target.name, value, undefined, line)
    case 'Tuple': return assignEach(lowering, target.elements, unpack(lowering, value, target.elements.length, line), line)
    case 'Attribute':
      return setAttribute(lowering, lowerValue(lowering, target.value), target.name, valueOf(lowering, value, line), line)
    case 'Subscript': {
      const container = lowerValue(lowering, target.value)
      const [index] = target.indices
      if (isContainer(container.type) && index !== undefined && index.kind !== 'Slice' && target.indices.length === 1) {
        emitOperatorOn(lowering, 'aten::_set_item', [container, lowerValue(lowering, index), valueOf(lowering, value, line)], line)
        return
      }
    }
  }
  throw syntaxError(lowering.source, line, 'an assignment to something that is no name, attribute or element')
}

function isContainer(type: Type): boolean {
  return type.kind === 'ListType' || type.kind === 'DictType'
}

/** `object.name = value`. */
function setAttribute(lowering: Lowering, object: Value, name: string, value: Value, line: number): void {
  const { type } = object
  const attribute = type.kind === 'ClassType' ? type.attributes.find((each) => each.name === name) : undefined
  if (attribute === undefined) lowering.fail(line, `${annotationString(type)} has no attribute ${name} to assign to`)
  if (!isSubtype(value.type, attribute.type)) {
    lowering.fail(line, `attribute ${name} is a ${annotationString(attribute.type)} and is given a ${annotationString(value.type)}`)
  }
  lowering.statement('prim::SetAttr', [object, value], line).setString('name', name)
}

/** The value that a function returns, converted to what it declares. */
export function lowerReturn(lowering: Lowering, value: Expr | undefined, line: number): Value {
  const declared = lowering.returns
  const given = value === undefined ? lowering.none() : lowerValue(lowering, value, declared)
  if (declared === undefined) return given
  const converted = lowering.located(line, () => tryConvertToType(lowering.graph, declared, given, lowering.range(line)))
  if (!isSubtype(converted.type, declared)) {
    lowering.fail(line, `a ${annotationString(converted.type)} is returned as a ${annotationString(declared)}`)
  }
  if (!sameType(declared, AnyType) || sameType(converted.type, AnyType)) return converted
  return lowering.insert('prim::unchecked_cast', [converted], AnyType, line)
}
