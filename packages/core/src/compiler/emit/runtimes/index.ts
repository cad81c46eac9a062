import type { RuntimeVersion } from '../../artifact.ts'
import { parseSchema } from '../../ir/schema-parser.ts'
import type { FunctionSchema } from '../../ir/schema.ts'
import { HISTORIES, RELEASES, VARIANTS } from './table.generated.ts'

/** What a release of PyTorch Mobile loads. */
export interface Runtime {
  readonly version: RuntimeVersion
  /** Versions of bytecode that it loads from zip archives: the first and the last. */
  readonly bytecode: readonly [number, number]
  /** Whether prebuilt ones load flatbuffers: build_variables.bzl left the loader out until 1.13, where only builds of one's own had it. */
  readonly flatbuffer: boolean
  /** The newest operator version that it reads; see `operatorVersion`. */
  readonly operators: number
}

/**
 * The releases, oldest first. Found by loading files of every version with each of them: the last version of bytecode is
 * `kMaxSupportedBytecodeVersion` of caffe2/serialize/versions.h where that is a zip archive's, the operators'
 * `kMaxSupportedFileFormatVersion`.
 */
export const RUNTIMES: readonly Runtime[] = [
  { version: '1.9', bytecode: [3, 5], flatbuffer: false, operators: 6 },
  { version: '1.10', bytecode: [3, 7], flatbuffer: false, operators: 6 },
  { version: '1.11', bytecode: [3, 7], flatbuffer: false, operators: 9 },
  { version: '1.12', bytecode: [4, 8], flatbuffer: false, operators: 10 },
  { version: '1.13', bytecode: [4, 8], flatbuffer: false, operators: 10 },
  { version: '2.0', bytecode: [4, 8], flatbuffer: true, operators: 10 },
  { version: '2.1', bytecode: [4, 8], flatbuffer: true, operators: 10 },
]

/** One of {@link RUNTIMES} by its name. */
export function runtimeNamed(version: RuntimeVersion): Runtime {
  return RUNTIMES.find((runtime) => runtime.version === version)!
}

/** `aten::add.Tensor` -> a character for each release, where not all have it as the table of operators says. */
let histories: ReadonlyMap<string, string> | undefined
const variants = new Map<string, FunctionSchema>()

/** Lines of {@link HISTORIES}: a history, then groups `aten::add(,Tensor) relu`. */
function expandedHistories(): ReadonlyMap<string, string> {
  const expanded = new Map<string, string>()
  for (const line of HISTORIES.split('\n')) {
    const [history, ...groups] = line.split('\t') as [string, ...string[]]
    for (const group of groups) {
      const [space, names] = group.split('::') as [string, string]
      for (const name of names.split(' ')) {
        const [base, overloads = ''] = name.replace(/\)$/, '').split('(') as [string, string?]
        for (const overload of overloads.split(',')) expanded.set(`${space}::${base}${overload && '.'}${overload}`, history)
      }
    }
  }
  return expanded
}

/**
 * An operator as a runtime knows it: `same` where it has it with the signature of the table of operators, another signature, or
 * undefined where it lacks it. Operators of other libraries are taken for the same.
 */
export function operatorIn(version: RuntimeVersion, operator: string): FunctionSchema | 'same' | undefined {
  histories ??= expandedHistories()
  const mark = histories.get(operator)?.[RELEASES.indexOf(version)] ?? '='
  if (mark === '=') return 'same'
  return mark === '-' ? undefined : variant(operator, mark)
}

function variant(operator: string, letter: string): FunctionSchema {
  const key = `${operator} ${letter} `
  let schema = variants.get(key)
  if (schema === undefined) {
    const start = `\n${VARIANTS}`.indexOf(`\n${key}`)
    const end = VARIANTS.indexOf('\n', start)
    schema = parseSchema(`${operator}(${VARIANTS.slice(start + key.length, end < 0 ? undefined : end)}) -> ()`)
    variants.set(key, schema)
  }
  return schema
}
