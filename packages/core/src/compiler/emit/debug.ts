import type { ClassType } from '../ir/class-type.ts'
import { intListValue, intValue, NONE, stringValue, tupleValue, type IValue } from '../ir/ivalue.ts'
import type { SourceLookup, SourceRange } from '../ir/source-range.ts'
import { pickleIValue } from './ivalue-pickle.ts'
import type { MobileMethod } from './mobile-module.ts'

/** What debug records are written for. */
export interface DebugOptions {
  /** Of the bytecode. */
  readonly version: number
  /** PyTorch 1.9 wants rows without the operator's name, and later ones refuse those. */
  readonly isFor19: boolean
  readonly sourceOf: SourceLookup
}

/** For instructions that come from nowhere in the source. */
const NO_HANDLE = -1

/**
 * The records by which a runtime tells the source line of an instruction: a handle for each instruction, for each handle the tag of a
 * source range, for each tag the range. Ranges are written as releases before 1.12 read them, too. Sources:
 * torch/csrc/jit/mobile/debug_info.cpp, serialization/callstack_debug_info_serialization.cpp, source_range_serialization.cpp.
 */
export function debugRecords(
  root: ClassType, methods: readonly MobileMethod[], { version, isFor19, sourceOf }: DebugOptions,
): Readonly<Record<string, Uint8Array>> {
  const sources: IValue[] = []
  const stacks: IValue[] = []
  const tags = new Map<string, number>()
  const handles = new Map<string, number>()

  /** Number of the place in {@link sources}. */
  const tagOf = (range: SourceRange): number => {
    const key = `${range.file}:${range.line}`
    const known = tags.get(key)
    if (known !== undefined) return known
    const found = sourceOf(range)
    const tag = found === undefined ? NO_HANDLE : tags.size
    tags.set(key, tag)
    if (found !== undefined) {
      const source = tupleValue([stringValue(found.text), stringValue(found.file), intValue(found.firstLine)])
      sources.push(tupleValue([intValue(tag), tupleValue([source, intValue(found.start), intValue(found.end)]), intValue(tag)]))
    }
    return tag
  }
  /** The calls that led to a place, the outermost first: each holds the next. Source: `InlinedCallStackSerializer`. */
  const stackOf = ({ inlined }: SourceRange, inner: IValue = NONE): IValue => {
    if (inlined === undefined) return inner
    const name = stringValue(inlined.callee.slice(inlined.callee.lastIndexOf('.') + 1))
    return stackOf(inlined.at, tupleValue([NONE, intValue(tagOf(inlined.at)), inner, ...isFor19 ? [] : [name]]))
  }
  /** One handle for a place, the calls that led to it, and an operator. */
  const handleOf = (range: SourceRange, kind: string): number => {
    const tag = tagOf(range)
    if (tag === NO_HANDLE) return NO_HANDLE
    const key = `${kind} ${pathOf(range)}`
    const known = handles.get(key)
    if (known !== undefined) return known
    const handle = handles.size
    handles.set(key, handle)
    stacks.push(tupleValue([intValue(handle), intValue(tag), ...isFor19 ? [] : [stringValue(kind)], stackOf(range)]))
    return handle
  }

  const rows = methods.map(({ name, code }) => {
    const perInstruction = intListValue(code.nodes.map(({ range, kind }) => range ? handleOf(range, kind) : NO_HANDLE))
    return tupleValue([
      stringValue(`${root.name}.${name}`),
      tupleValue([tupleValue([stringValue('function_debug_handles'), tupleValue([perInstruction])])]),
    ])
  })
  return {
    'mobile_debug_handles.pkl': pickled(tupleValue([intValue(version), ...rows])),
    'callstack_debug_map.pkl': pickled(tupleValue(stacks)),
    'sources.debug_pkl': pickled(tupleValue(sources)),
  }
}

/** A place and the calls that led to it, as text. */
function pathOf({ file, line, inlined }: SourceRange): string {
  return inlined === undefined ? `${file}:${line}` : `${file}:${line} < ${pathOf(inlined.at)}`
}

function pickled(value: IValue): Uint8Array {
  return pickleIValue(value, {
    attributesOf: () => [], storageKey: () => { throw new Error('debug records have no tensors') },
  })
}
