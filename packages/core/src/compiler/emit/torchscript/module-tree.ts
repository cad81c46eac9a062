import type { ClassType } from '../../ir/class-type.ts'
import { boolValue, type IValue, type ObjectValue } from '../../ir/ivalue.ts'
import type { Program } from '../../program.ts'

/** All objects in `root`, itself first, each once; of their attributes only those that their class is pickled with. */
export function objectsIn(root: ObjectValue, attributesOf?: (type: ClassType) => readonly string[]): Set<ObjectValue> {
  const found = new Set<ObjectValue>()
  const pending: IValue[] = [root]
  for (let value = pending.pop(); value; value = pending.pop()) {
    switch (value.tag) {
      case 'Object': {
        if (found.has(value)) break
        found.add(value)
        const names = new Set(attributesOf?.(value.type) ?? value.slots.keys())
        pending.push(...[...value.slots].filter(([name]) => names.has(name)).map(([, slot]) => slot).toReversed())
        break
      }
      case 'List': case 'Tuple': pending.push(...value.elements.toReversed()); break
      case 'Dict': pending.push(...value.entries.flat().toReversed())
    }
  }
  return found
}

/** The module as it is stored: with flags, and with `training`, which torch.jit.load's modules have for `eval()` to find. */
export function storedModule({ root, flags }: Pick<Program, 'root' | 'flags'>): ObjectValue {
  const set = Object.entries({ training: false, ...flags }).map(([name, value]) => [name, boolValue(value)] as const)
  return { ...root, slots: new Map([...root.slots, ...set]) }
}
