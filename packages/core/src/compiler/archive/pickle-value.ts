/**
 * What a pickle holds, as data: nothing is constructed and nothing is called. Scalars are JavaScript's own (all ints are
 * bigint, all floats are number); everything that Python gives an identity is an object here, the same one wherever the
 * pickle's memo brings it back.
 */
export type PickleValue =
  | null | boolean | bigint | number | string | Uint8Array
  | PickleList | PickleTuple | PickleDict | PickleSet | PickleGlobal | PickleObject | PicklePersistent

/** A list; later opcodes may append to it. */
export interface PickleList {
  readonly kind: 'list'
  readonly items: PickleValue[]
}
/** A tuple, complete when it is made. */
export interface PickleTuple {
  readonly kind: 'tuple'
  readonly items: readonly PickleValue[]
}
/** A set, in the order written. */
export interface PickleSet {
  readonly kind: 'set'
  readonly items: PickleValue[]
}
/** In the order written; a key may occur twice, then the last one counts. */
export interface PickleDict {
  readonly kind: 'dict'
  readonly entries: [PickleValue, PickleValue][]
}
/** A class or function by name. */
export interface PickleGlobal {
  readonly kind: 'global'
  readonly module: string
  readonly name: string
}
/** What a call would have made: `callee(*args)`, then what was set on the result. */
export interface PickleObject {
  readonly kind: 'object'
  /** `reduce` is a call, `new` the making of an instance without one. */
  readonly how: 'reduce' | 'new'
  readonly callee: PickleValue
  readonly args: PickleValue
  readonly kwargs: PickleValue
  /** What BUILD handed to it; undefined when there was no BUILD. */
  state: PickleValue | undefined
  /** Items appended to it, where its class is a kind of list. */
  items: PickleValue[] | undefined
  /** Items set on it, where its class is a kind of dict. */
  entries: [PickleValue, PickleValue][] | undefined
}
/** A reference to something outside of the pickle: tensors' storages. */
export interface PicklePersistent {
  readonly kind: 'persistent'
  readonly id: PickleValue
}

/** A container, in the sense that it has values inside. */
export type PickleContainer = PickleList | PickleTuple | PickleSet | PickleDict | PickleObject | PicklePersistent

/** `module.name` of a global, for messages and tables. */
export function globalName(global: PickleGlobal): string {
  return `${global.module}.${global.name}`
}

/** True for values with values inside. */
export function isContainer(value: PickleValue): value is PickleContainer {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && value.kind !== 'global'
}

/** The values directly inside a container, in order. */
export function childrenOf(value: PickleContainer): PickleValue[] {
  switch (value.kind) {
    case 'list': case 'tuple': case 'set': return value.items as PickleValue[]
    case 'dict': return value.entries.flat()
    case 'persistent': return [value.id]
    case 'object': {
      const children: PickleValue[] = [value.callee, value.args, value.kwargs]
      if (value.state !== undefined) children.push(value.state)
      if (value.items !== undefined) for (const item of value.items) children.push(item)
      if (value.entries !== undefined) for (const entry of value.entries) children.push(entry[0], entry[1])
      return children
    }
  }
}
