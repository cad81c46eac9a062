import { SCALAR_TYPES } from '../archive/tensor.ts'
import { classType, CUSTOM_CLASS_PREFIX } from './class-type.ts'
import type { AliasInfo } from './schema.ts'
import { MAX_TYPE_DEPTH, TextCursor } from './text-cursor.ts'
import { dictOf, listOf, optionalOf, type SimpleKind, type Type } from './types.ts'

/** Gives the class, NamedTuple, enum or interface of a qualified name, or undefined when there is none. */
export type TypeResolver = (qualifiedName: string) => Type | undefined

/** Names of the simple types in schemas and graphs (torch/csrc/jit/frontend/schema_type_parser.cpp). */
const GRAPH_NAMES: Readonly<Record<string, SimpleKind>> = {
  Tensor: 'TensorType', int: 'IntType', float: 'FloatType', complex: 'ComplexType', bool: 'BoolType', str: 'StringType',
  None: 'NoneType', NoneType: 'NoneType', Scalar: 'NumberType', number: 'NumberType', Device: 'DeviceObjType', Stream: 'StreamObjType',
  Generator: 'GeneratorType', QScheme: 'QSchemeType', Storage: 'StorageType', Capsule: 'CapsuleType', PyObject: 'PyObjectType',
  Any: 'AnyType', list: 'AnyListType', tuple: 'AnyTupleType', AnyClassType: 'AnyClassType', AnyEnumType: 'AnyEnumType',
  Dimname: 'StringType', ScalarType: 'IntType', Layout: 'IntType', MemoryFormat: 'IntType', ConstQuantizerPtr: 'IntType',
  SymInt: 'IntType', SymFloat: 'FloatType', SymBool: 'BoolType', DeviceIndex: 'IntType',
}

/** Names of the simple types in code (`basePythonTypes` in aten/src/ATen/core/type_factory.cpp). */
const ANNOTATION_NAMES: Readonly<Record<string, SimpleKind>> = {
  Tensor: 'TensorType', LongTensor: 'TensorType', FloatTensor: 'TensorType', DoubleTensor: 'TensorType', IntTensor: 'TensorType',
  ShortTensor: 'TensorType', HalfTensor: 'TensorType', CharTensor: 'TensorType', ByteTensor: 'TensorType', BoolTensor: 'TensorType',
  'torch.Tensor': 'TensorType', int: 'IntType', float: 'FloatType', bool: 'BoolType', complex: 'ComplexType', str: 'StringType',
  Device: 'DeviceObjType', Stream: 'StreamObjType', Generator: 'GeneratorType', Storage: 'StorageType', QScheme: 'QSchemeType',
  number: 'NumberType', None: 'NoneType', NoneType: 'NoneType', Any: 'AnyType', Capsule: 'CapsuleType', list: 'AnyListType', tuple: 'AnyTupleType',
  'torch.device': 'DeviceObjType', AnyClassType: 'AnyClassType', AnyEnumType: 'AnyEnumType', PyObject: 'PyObjectType',
}

const WRAPPERS: Readonly<Record<string, 'FutureType' | 'RRefType' | 'AwaitType'>> = {
  Future: 'FutureType', 'torch.jit.Future': 'FutureType', RRef: 'RRefType', Await: 'AwaitType', 'torch.jit._Await': 'AwaitType',
}

/** A type in graph or schema notation: `int[]`, `Tensor?`, `Dict(str, Tensor)`, `(int, Tensor)`. The whole text must be one type. */
export function parseTypeExpression(text: string, resolve?: TypeResolver): Type {
  const cursor = new TextCursor(text, 'type')
  const { type } = graphType(cursor, resolve, 0)
  cursor.expectEnd()
  return type
}

/** Reads a type from `cursor`; see {@link parseTypeExpression}. */
export function graphType(cursor: TextCursor, resolve: TypeResolver | undefined, depth: number): { type: Type; alias?: AliasInfo } {
  if (depth > MAX_TYPE_DEPTH) cursor.fail(`types nest deeper than ${MAX_TYPE_DEPTH}`)
  let type = graphBaseType(cursor, resolve, depth)
  let alias = aliasAnnotation(cursor)
  for (let suffixes = 0; ; suffixes++) {
    if (suffixes > MAX_TYPE_DEPTH) cursor.fail(`types nest deeper than ${MAX_TYPE_DEPTH}`)
    const start = cursor.position
    if (cursor.take('[')) {
      if (!cursor.take(']')) {
        cursor.position = start
        break
      }
      type = listOf(type)
      alias = containerAlias(aliasAnnotation(cursor), alias)
    } else if (cursor.take('?')) {
      type = optionalOf(type)
    } else break
  }
  return alias ? { type, alias } : { type }
}

function graphBaseType(cursor: TextCursor, resolve: TypeResolver | undefined, depth: number): Type {
  const inner = (): Type => graphType(cursor, resolve, depth + 1).type
  if (cursor.take('(')) return { kind: 'TupleType', elements: cursor.list(')', inner) }
  const name = cursor.qualifiedName() ?? cursor.fail('expected a type')
  if (name === 'Dict') {
    cursor.expect('(')
    const key = inner()
    cursor.expect(',')
    const value = inner()
    cursor.expect(')')
    return dictOf(key, value)
  }
  if (name === 'Union' && cursor.take('(')) return { kind: 'UnionType', elements: cursor.list(')', inner) }
  if (name === 'NamedTuple' && cursor.take('(')) return namedTuple(cursor, resolve, depth)
  if (name === 'Enum' || name === 'InterfaceType') {
    cursor.expect('<')
    const qualified = cursor.qualifiedName() ?? cursor.fail('expected a name')
    cursor.expect('>')
    return named(cursor, qualified, resolve)
  }
  const wrapper = WRAPPERS[name]
  if (wrapper !== undefined && cursor.take('(')) {
    const element = inner()
    cursor.expect(')')
    return { kind: wrapper, element }
  }
  const simple = Object.hasOwn(GRAPH_NAMES, name) ? GRAPH_NAMES[name] : undefined
  if (simple !== undefined) return { kind: simple }
  if (Object.hasOwn(SCALAR_TYPES, name)) {
    skipTensorDetails(cursor)
    return { kind: 'TensorType' }
  }
  if (!name.includes('.') && /^[a-z]/.test(name)) return { kind: 'VarType', name }
  return named(cursor, name, resolve)
}

/** `NamedTuple(name)(field: type, …)`, after the first parenthesis. */
function namedTuple(cursor: TextCursor, resolve: TypeResolver | undefined, depth: number): Type {
  const name = cursor.qualifiedName() ?? cursor.fail('expected a name')
  cursor.expect(')')
  cursor.expect('(')
  const fields = cursor.list(')', () => {
    const field = cursor.identifier() ?? cursor.fail('expected a field name')
    cursor.expect(':')
    return { field, type: graphType(cursor, resolve, depth + 1).type }
  })
  return resolve?.(name) ?? { kind: 'TupleType', name, elements: fields.map((f) => f.type), fields: fields.map((f) => f.field) }
}

/** `Float(1, 3, strides=[3, 1], requires_grad=0, device=cpu)`: what graphs tell of a tensor beyond its type is not kept. */
function skipTensorDetails(cursor: TextCursor): void {
  if (!cursor.take('(')) return
  const end = cursor.text.indexOf(')', cursor.position)
  if (end < 0) cursor.fail('expected \')\'')
  cursor.position = end + 1
}

function named(cursor: TextCursor, name: string, resolve: TypeResolver | undefined): Type {
  const type = resolve?.(name)
  if (type !== undefined) return type
  if (name.startsWith(CUSTOM_CLASS_PREFIX)) return classType(name)
  return cursor.fail(`there is no type ${name}`)
}

/** `(a!)`, `(a -> *)`, `(a|b)`, or nothing. A missing second half means that the sets stay as they are. */
export function aliasAnnotation(cursor: TextCursor): AliasInfo | undefined {
  if (!cursor.take('(')) return undefined
  const before = aliasSets(cursor)
  const isWrite = cursor.take('!')
  const after = cursor.take('->') ? aliasSets(cursor) : before
  cursor.expect(')')
  return { isWrite, before, after }
}

function aliasSets(cursor: TextCursor): string[] {
  const sets: string[] = []
  if (cursor.at('!') || cursor.at(')') || cursor.at('->')) return sets
  do {
    const set = cursor.take('*') ? '*' : cursor.identifier() ?? cursor.fail('expected an alias set')
    if (!sets.includes('*')) sets.push(set)
  } while (cursor.take('|'))
  return sets.includes('*') ? ['*'] : sets
}

/** The annotation of a list whose elements are annotated: `Tensor(a!)[]` writes to the list too, as c10 has it. */
export function containerAlias(container: AliasInfo | undefined, element: AliasInfo | undefined): AliasInfo | undefined {
  if (element === undefined) return container
  return { ...(container ?? { isWrite: element.isWrite, before: [], after: [] }), contained: element }
}

/**
 * A type as serialized code, pickles and bytecode write it (`annotation_str`): `Optional[List[int]]`, `Tuple[int, Tensor]`,
 * `Dict[str, Tensor]`, qualified class names. `resolve` is asked for names that are not PyTorch's own.
 */
export function parseAnnotationString(text: string, resolve?: TypeResolver): Type {
  const cursor = new TextCursor(text, 'type')
  const type = annotationType(cursor, resolve, 0)
  cursor.expectEnd()
  return type
}

function annotationType(cursor: TextCursor, resolve: TypeResolver | undefined, depth: number): Type {
  if (depth > MAX_TYPE_DEPTH) cursor.fail(`types nest deeper than ${MAX_TYPE_DEPTH}`)
  const name = cursor.qualifiedName() ?? cursor.fail('expected a type')
  if (cursor.take('[')) return subscriptedType(cursor, name, resolve, depth)
  const simple = Object.hasOwn(ANNOTATION_NAMES, name) ? ANNOTATION_NAMES[name] : undefined
  if (simple !== undefined) return { kind: simple }
  return named(cursor, name, resolve)
}

/** `Name[…]`, after the bracket. */
function subscriptedType(cursor: TextCursor, name: string, resolve: TypeResolver | undefined, depth: number): Type {
  if ((name === 'Tuple' || name === 'tuple') && cursor.take('(')) {
    cursor.expect(')')
    cursor.expect(']')
    return { kind: 'TupleType', elements: [] }
  }
  const parts = cursor.list(']', () => annotationType(cursor, resolve, depth + 1))
  const only = (): Type => parts.length === 1 ? parts[0]! : cursor.fail(`${name} takes one type, not ${parts.length}`)
  switch (name) {
    case 'Tuple': case 'tuple': return { kind: 'TupleType', elements: parts }
    case 'List': case 'list': return listOf(only())
    case 'Optional': return optionalOf(only())
    case 'Union': return unionType(parts)
    case 'Dict': case 'dict':
      return parts.length === 2 ? dictOf(parts[0]!, parts[1]!) : cursor.fail(`${name} takes two types, not ${parts.length}`)
    default: {
      const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined
      return wrapper !== undefined ? { kind: wrapper, element: only() } : cursor.fail(`there is no type constructor ${name}`)
    }
  }
}

/** `Union[T, NoneType]` is `Optional[T]`, as `UnionType::create` has it. */
function unionType(elements: readonly Type[]): Type {
  const others = elements.filter((type) => type.kind !== 'NoneType')
  return elements.length === 2 && others.length === 1 ? optionalOf(others[0]!) : { kind: 'UnionType', elements }
}
