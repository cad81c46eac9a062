import { Tuple, type Value } from '../values.ts'
import type { LiteArchive } from './archive.ts'
import { unpickle } from './unpickle.ts'

/** Tells where in the model's Python source an instruction comes from. */
export interface DebugHandles {
  /** `net.py:12: return x.view(3, -1)`, for an instruction of a method; undefined where the file does not tell. */
  place(method: string, pc: number): string | undefined
}

const HANDLES = 'mobile_debug_handles.pkl'
const CALL_STACKS = 'callstack_debug_map.pkl'
/** `code/__torch__.py.debug_pkl` begin with it, since PyTorch 1.12. */
const STRING_TABLE = 'FORMAT_WITH_STRING_TABLE'

/**
 * Reads what `_save_for_lite_interpreter(_save_mobile_debug_info=True)` writes beside the bytecode; undefined for files without.
 * Sources: torch/csrc/jit/mobile/debug_info.cpp, serialization/source_range_serialization.cpp, callstack_debug_info_serialization.cpp.
 */
export function readDebugHandles(archive: LiteArchive): DebugHandles | undefined {
  if (!archive.has(HANDLES) || !archive.has(CALL_STACKS)) return undefined
  const handles = new Map<string, readonly Value[]>()
  for (const row of items(unpickle(archive, HANDLES)).slice(1)) {
    const [name, table] = items(row)
    handles.set(String(name), items(items(items(items(table)[0])[1])[0]))
  }
  const tags = new Map<Value, Value>()
  for (const row of items(unpickle(archive, CALL_STACKS))) {
    const [handle, tag] = items(row)
    tags.set(handle!, tag!)
  }
  const places = new Map<Value, string>()
  for (const name of archive.names) if (name.endsWith('.debug_pkl')) addPlaces(places, unpickle(archive, name))
  return { place: (method, pc) => places.get(tags.get(handles.get(method)?.[pc] ?? -1) ?? -1) }
}

/** Rows are `(offset, (source, start, end), tag)`, a source is `(lines, file, line number of the first one)`. */
function addPlaces(places: Map<Value, string>, root: Value): void {
  const [format, texts, rows] = items(root)
  const table = format === STRING_TABLE ? items(texts) : undefined
  for (const row of items(table ? rows : root)) {
    const [, range, tag] = items(row)
    const [source, start] = items(range)
    const [text, file, first] = items(source)
    const lines = table ? items(text).map((index) => String(table[Number(index)])) : String(text).split(/(?<=\n)/)
    const name = String((table ? table[Number(file)] : file) ?? '').split(/[\\/]/).at(-1)
    if (!name || places.has(tag!)) continue
    let rest = Number(start)
    let line = 0
    while (line < lines.length - 1 && rest >= lines[line]!.length) rest -= lines[line++]!.length
    places.set(tag!, `${name}:${Number(first) + line}: ${lines[line]?.trim() ?? ''}`)
  }
}

function items(value: Value | undefined): readonly Value[] {
  return value instanceof Tuple ? value.items : Array.isArray(value) ? value : []
}
