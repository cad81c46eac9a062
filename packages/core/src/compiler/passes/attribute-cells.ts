import type { Storage } from '../archive/tensor.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'

/**
 * A set of things that may be the same memory, merged as more is learned (Steensgaard's analysis). `contents` is the memory that
 * containers of the set hold, all positions and keys alike.
 */
export interface Cell {
  parent: Cell | undefined
  contents: Cell | undefined
  written: boolean
}

/** A cell of its own, that nothing is known of. */
export function newCell(): Cell {
  return { parent: undefined, contents: undefined, written: false }
}

/** The cell that stands for all that were merged with `cell`. */
export function find(cell: Cell): Cell {
  let root = cell
  while (root.parent) root = root.parent
  while (cell !== root) {
    const next: Cell = cell.parent!
    cell.parent = root
    cell = next
  }
  return root
}

/** Says that two cells may be the same memory, and with them what they hold. */
export function union(a: Cell, b: Cell): void {
  const pending: [Cell, Cell][] = [[a, b]]
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const [into, from] = [find(pair[0]), find(pair[1])]
    if (into === from) continue
    from.parent = into
    into.written ||= from.written
    if (into.contents && from.contents) pending.push([into.contents, from.contents])
    else into.contents ??= from.contents
  }
}

/** The memory that what is in a cell holds. */
export function contentsOf(cell: Cell): Cell {
  const root = find(cell)
  return root.contents ??= newCell()
}

/** The memory and what it holds at any depth. */
export function chain(cell: Cell): Cell[] {
  const seen = new Set<Cell>()
  for (let each: Cell | undefined = find(cell); each && !seen.has(each); each = each.contents && find(each.contents)) seen.add(each)
  return [...seen]
}

/** True when the memory, or memory it holds at any depth, may be written to. */
export function isWritten(cell: Cell): boolean {
  return chain(cell).some((each) => each.written)
}

/** The cells of a module's attributes. Tensors over one storage share a cell, and so do two attributes that are one list or object. */
export class AttributeCells {
  readonly #storages: Map<Storage, Cell> = new Map()
  readonly #values: Map<IValue, Cell> = new Map()
  readonly #slots: Map<ObjectValue, Map<string, Cell>> = new Map()

  /** The cell of an attribute: what is read from it, whether stored in the file or assigned while running. */
  slot(object: ObjectValue, name: string): Cell {
    let cells = this.#slots.get(object)
    if (cells === undefined) this.#slots.set(object, cells = new Map())
    let cell = cells.get(name)
    if (cell === undefined) {
      cells.set(name, cell = newCell())
      const value = object.slots.get(name)
      // An object is entered slot by slot as long as all accesses name it; see `object`.
      if (value !== undefined && value.tag !== 'Object' && !IMMUTABLE.has(value.tag)) union(cell, this.value(value))
    }
    return cell
  }

  /** The cell of a stored value. */
  value(value: IValue): Cell {
    switch (value.tag) {
      case 'Tensor': return memo(this.#storages, value.value.storage, () => undefined)
      case 'List': return memo(this.#values, value, (cell) => this.#hold(cell, value.elements))
      case 'Tuple': return memo(this.#values, value, (cell) => this.#hold(cell, value.elements))
      case 'Dict': return memo(this.#values, value, (cell) => this.#hold(cell, value.entries.flat()))
      case 'Object': return this.object(value)
      default: return memo(this.#values, value, () => undefined)
    }
  }

  /** The cell of an object that is known by more than its path: all of its slots, at any depth, become its contents. */
  object(object: ObjectValue): Cell {
    return memo(this.#values, object, (cell) => {
      for (const [name, value] of object.slots) {
        union(contentsOf(cell), this.slot(object, name))
        if (value.tag === 'Object') union(contentsOf(cell), this.object(value))
      }
    })
  }

  /** The cell of an object when it escaped its path, for finding out what happened to it. */
  escaped(object: ObjectValue): Cell | undefined {
    return this.#values.get(object)
  }

  #hold(cell: Cell, elements: readonly IValue[]): void {
    for (const element of elements) if (!IMMUTABLE.has(element.tag)) union(contentsOf(cell), this.value(element))
  }
}

const IMMUTABLE: ReadonlySet<IValue['tag']> = new Set(['None', 'Bool', 'Int', 'Double', 'ComplexDouble', 'String', 'Device', 'Enum'])

/** The cell of a key; it is known before `fill` runs, as values may contain themselves by way of objects. */
function memo<K>(cells: Map<K, Cell>, key: K, fill: (cell: Cell) => void): Cell {
  let cell = cells.get(key)
  if (cell === undefined) {
    cells.set(key, cell = newCell())
    fill(cell)
  }
  return cell
}
