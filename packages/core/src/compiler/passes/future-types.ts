import { typeMap, type TypeMap } from '../ir/map-types.ts'
import type { Type } from '../ir/types.ts'

/** A type with what futures will be in place of the futures: `List[Future[Tensor]]` is `List[Tensor]`. */
export const withoutFutures: TypeMap = typeMap((type, map) => type.kind === 'FutureType' ? map(type.element) : undefined)

/** True for a type that a future is part of. */
export function futuresIn(type: Type): boolean {
  return withoutFutures(type) !== type
}
