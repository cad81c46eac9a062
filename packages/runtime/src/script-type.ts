/** A TorchScript type, taken apart: `Dict[str, List[int]]`. */
export interface ScriptType {
  /** `Dict` */
  readonly name: string
  readonly args: readonly ScriptType[]
  /** Fields of a named tuple. */
  readonly fields: readonly (readonly [name: string, type: ScriptType])[] | undefined
}

const PARSED = new Map<string, ScriptType>()

/** Reads a type as bytecode prints it: `Optional[List[Tensor]]`, `__torch__.Point[NamedTuple, [[x, Tensor], [y, int]]]`. */
export function parseScriptType(text: string): ScriptType {
  let type = PARSED.get(text)
  if (!type) PARSED.set(text, type = parseTokens(text.match(/[[\],]|[^[\],\s][^[\],]*/g) ?? []))
  return type
}

function parseTokens(tokens: readonly string[]): ScriptType {
  let next = 0
  const parse = (): ScriptType => {
    const name = tokens[next] === '[' ? '' : tokens[next++]?.trim() ?? ''
    const args: ScriptType[] = []
    if (tokens[next] === '[') {
      do {
        next++
        if (tokens[next] !== ']') args.push(parse())
      } while (tokens[next] === ',')
      next++
    }
    const fields = args[0]?.name === 'NamedTuple'
      ? (args[1]?.args ?? []).map(({ args: [field, type] }) => [field?.name ?? '', type ?? ANY] as const)
      : undefined
    return fields ? { name: 'NamedTuple', args: fields.map(([, type]) => type), fields } : { name, args, fields }
  }
  return parse()
}

/** Whatever it is. */
export const ANY: ScriptType = { name: 'Any', args: [], fields: undefined }

/** Puts the fields of named tuples into types that only name them. `types` are those that tell the fields. */
export function withFields(types: readonly string[]): (type: string) => string {
  const full = new Map(types.filter((type) => type.includes('[NamedTuple')).map((type) => [type.slice(0, type.indexOf('[')), type]))
  return full.size === 0 ? (type) => type : (type) => type.replace(/__torch__[\w.]+(?![\w.]|\[)/g, (name) => full.get(name) ?? name)
}
