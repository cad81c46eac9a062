import type { RuntimeVersion } from '../../artifact.ts'
import type { Storage } from '../../archive/tensor.ts'
import { NONE, type IValue } from '../../ir/ivalue.ts'
import type { Argument } from '../../ir/schema.ts'
import type { Program } from '../../program.ts'
import { FLATBUFFER_VERSION } from '../bytecode-form.ts'
import type { LiteFile } from '../lite.ts'
import { mobileModule, type MobileMethod } from '../mobile-module.ts'
import { argumentTypeString, returnTypeString } from '../mobile-types.ts'
import { INSTRUCTION_BYTES, OBJECT_KINDS, OPCODE_NUMBERS } from './schema.ts'
import { refuseWritesToStored } from './stored-memory.ts'
import { tooLargeFor, ValuePool, vectorOf } from './value-pool.ts'
import { layOut, numbers, text, type Laid, type Part } from './writer.ts'

/** How to write a flatbuffer. */
export interface FlatbufferOptions {
  /** The release that the file is for: calls pass what it knows. */
  readonly runtime?: RuntimeVersion
}

/** The largest file: flatbuffers' own limit (`FLATBUFFERS_MAX_BUFFER_SIZE`), which loaders check. */
const MAX_BYTES = 2 ** 31 - 1

/**
 * Lays out a program as the one flatbuffer that PyTorch calls bytecode version 9. Its code is that of version 8, but for named tuples:
 * loaders take them for classes, so that they are plain tuples. Nothing is read of the weights until the layout is streamed.
 * Throws a PetalError for what the lite interpreter cannot run, and `FLATBUFFER_TOO_LARGE`.
 */
export function emitFlatbuffer(program: Program, { runtime }: FlatbufferOptions = {}): LiteFile {
  for (const { graph } of program.methods) refuseWritesToStored(graph)
  const { root, methods, attributesOf, operatorVersion } = mobileModule(program, FLATBUFFER_VERSION, runtime)
  const pool = new ValuePool(attributesOf)
  const rootType = pool.typeIndex(root.type.name, OBJECT_KINDS.classWithField, attributesOf(root.type))
  const functions = methods.map((method) => pool.add('Function', functionPart(pool, `${root.type.name}.${method.name}`, method, rootType)))
  const state = pool.index(root)
  const laid = layOut({
    kind: 'table', table: 'Module',
    fields: {
      bytecode_version: FLATBUFFER_VERSION, extra_files: vectorOf([]), methods: numbers('u32', functions), state_obj: state,
      ivalues: vectorOf(pool.values), storage_data_size: pool.storageParts.length, storage_data: vectorOf(pool.storageParts),
      object_types: vectorOf(pool.objectTypes), jit_sources: vectorOf([]), jit_constants: numbers('u32', []),
      operator_version: operatorVersion, mobile_ivalue_size: pool.values.length,
    },
  })
  if (laid.size > MAX_BYTES) throw tooLargeFor(`a model of ${laid.size} bytes`)
  return {
    size: laid.size, stream: () => stream(laid, pool.storages), bytecodeVersion: FLATBUFFER_VERSION, operatorVersion,
    codes: methods.map(({ code }) => code), refusedBy: [],
  }
}

function functionPart(pool: ValuePool, name: string, { schema, code }: MobileMethod, classType: number): Part {
  const argument = ({ name: argumentName, defaultValue = NONE }: Argument, type: string): Part => ({
    kind: 'table', table: 'Arg', fields: { name: text(argumentName), type: text(type), default_value: pool.index(defaultValue) },
  })
  return {
    kind: 'table', table: 'Function',
    fields: {
      qn: text(name),
      instructions: instructionsPart(code.instructions),
      operators: vectorOf(code.operators.map(({ name: operator, overload, numArgs }): Part => ({
        kind: 'table', table: 'Operator', fields: { name: text(operator), overload_name: text(overload), num_args_serialized: numArgs },
      }))),
      constants: numbers('u32', code.constants.map((value: IValue) => pool.index(value))),
      type_annotations: vectorOf(code.types.map(text)),
      register_size: code.registerSize,
      schema: {
        kind: 'table', table: 'Schema',
        fields: {
          arguments: vectorOf(schema.arguments.map((each) => argument(each, argumentTypeString(each.type)))),
          returns: vectorOf(schema.returns.map((each) => argument(each, returnTypeString(each.type)))),
        },
      },
      debug_info: { kind: 'table', table: 'DebugInfo', fields: { debug_handle: numbers('i64', []) } },
      class_type: classType,
    },
  }
}

function instructionsPart(instructions: MobileMethod['code']['instructions']): Part {
  const view = new DataView(new ArrayBuffer(INSTRUCTION_BYTES * instructions.length))
  instructions.forEach(({ op, x, n }, i) => {
    const at = i * INSTRUCTION_BYTES
    view.setUint8(at, OPCODE_NUMBERS.indexOf(op))
    view.setUint16(at + 2, n, true)
    view.setInt32(at + 4, x, true)
  })
  return { kind: 'bytes', bytes: new Uint8Array(view.buffer), align: 4, count: instructions.length }
}

/** The head, then each storage behind its padding and its length. */
async function* stream({ head, data }: Laid, storages: ReadonlyMap<Part, Storage>): AsyncGenerator<Uint8Array> {
  yield head
  let end = head.length
  for (const { part, at } of data) {
    const storage = storages.get(part)!
    const prefix = new Uint8Array(at - end)
    new DataView(prefix.buffer).setUint32(prefix.length - 4, storage.byteLength, true)
    yield prefix
    let size = 0
    for await (const piece of storage.stream()) {
      size += piece.length
      if (size > storage.byteLength) break
      yield piece
    }
    if (size !== storage.byteLength) throw new Error(`a storage was announced with ${storage.byteLength} bytes and has ${size}`)
    end = at + size
  }
}
