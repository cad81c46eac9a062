import { parseAnnotationString, type TypeResolver } from '../ir/type-parser.ts'
import type { Type } from '../ir/types.ts'
import type { Expr } from './ast.ts'

/**
 * Turns type expressions of code into types. The same few are written over and over, so they are kept by their text.
 * Throws a plain Error that says what is wrong; the caller knows the place.
 */
export function typeExpressions(resolve: TypeResolver): (expr: Expr) => Type {
  const known = new Map<string, Type>()
  return (expr) => {
    const text = annotationText(expr)
    let type = known.get(text)
    if (type === undefined) {
      type = parseAnnotationString(text, resolve)
      known.set(text, type)
    }
    return type
  }
}

function annotationText(expr: Expr): string {
  switch (expr.kind) {
    case 'Name': return expr.name
    case 'None': return 'NoneType'
    // Custom C++ classes of old files: "torch.classes.ns.Name".
    case 'String': return expr.value.startsWith('torch.classes.') ? `__torch__.${expr.value}` : expr.value
    case 'Attribute': return `${annotationText(expr.value)}.${expr.name}`
    case 'Tuple':
      if (expr.elements.length === 0) return '()'
      break
    case 'Subscript':
      return `${annotationText(expr.value)}[${expr.indices.map((index) => index.kind === 'Slice' ? ':' : annotationText(index)).join(', ')}]`
  }
  throw new Error(`a ${expr.kind} is no type`)
}
