import type { ByteSource } from '../compiler/archive/byte-source.ts'
import { PICKLE_LIMITS, readPickle, readPickleAt } from '../compiler/archive/pickle-reader.ts'
import {
  childrenOf, globalName, isContainer, type PickleGlobal, type PickleObject, type PickleValue,
} from '../compiler/archive/pickle-value.ts'
import { readZipDirectory } from '../compiler/archive/zip-directory.ts'
import { archiveOf, type Archive } from '../compiler/archive/zip-reader.ts'
import { FILE_IDENTIFIER } from '../compiler/emit/flatbuffer/schema.ts'
import { PetalError } from '../errors.ts'
import type { PlainKind, SourceKind } from './kinds.ts'

/** Bytes at the start of a file that its kind is told by. */
const HEAD = 4096
/** Bytes at the start of an older checkpoint in which its module's class is looked for. */
const LEGACY_HEAD = 1 << 20

/** Characters of a text that an error quotes. */
const LINE = 100

/** The text is latin-1, so a byte order mark shows as three characters. */
const HTML = /^(?:ï»¿)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)?<(?:!doctype\s+html|html|head|body)[\s>]/i

/** Comments and empty lines, perhaps a docstring, then a statement. Each alternative takes one line: matching stays linear. */
const PYTHON = /^(?:#.*\n|[ \t\r]*\n)*(?:"""[^]*?"""[ \t\r]*\n)?(?:#.*\n|[ \t\r]*\n)*(?:import|from|def|class)\s+\w/

const MAGIC: readonly (readonly [PlainKind, (head: Uint8Array, text: string) => boolean])[] = [
  ['lfs-pointer', (_, text) => text.startsWith('version https://git-lfs.github.com/spec/')],
  ['html', (_, text) => HTML.test(text)],
  ['tflite', (_, text) => text.slice(4, 8) === 'TFL3'],
  ['gguf', (_, text) => text.startsWith('GGUF')],
  ['numpy', (_, text) => text.startsWith('\x93NUMPY')],
  ['hdf5', (_, text) => text.startsWith('\x89HDF\r\n\x1a\n')],
  ['gzip', (_, text) => text.startsWith('\x1f\x8b')],
  ['tar', (_, text) => text.slice(257, 262) === 'ustar'],
  ['safetensors', isSafetensors],
  ['onnx', isOnnx],
  ['json', (_, text) => /^\s*(?:\{\s*"|\[\s*[{["\d])/.test(text)],
  ['python', (_, text) => PYTHON.test(text)],
]

/**
 * Tells what a file is by its content; `name` is only used in errors. Reads some kilobytes, and all of `data.pkl` where only
 * that can tell.
 * Throws a PetalError for archives that are damaged or dangerous to read on.
 */
export async function identifySource(source: ByteSource, name: string): Promise<SourceKind> {
  if (source.size === 0) return { kind: 'empty' }
  const head = await source.read(0, Math.min(HEAD, source.size))
  const text = String.fromCharCode(...head)
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return identifyZip(source)
  if (text.slice(4, 8) === FILE_IDENTIFIER) return { kind: 'lite' }
  const found = MAGIC.find(([, test]) => test(head, text))
  if (found !== undefined) return { kind: found[0] }
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) return identifyLegacy(source, name)
  const line = firstLine(head)
  if (line !== undefined) return { kind: 'text', line }
  return { kind: 'unknown', magic: [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') }
}

/** How a text begins; undefined where the bytes are no text. */
function firstLine(head: Uint8Array): string | undefined {
  try {
    // As a stream: the last character may be cut.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true }).trim()
    if (text === '' || /[^\P{C}\t\r\n\f]/u.test(text)) return undefined
    const line = text.split(/[\r\n]/, 1)[0]!.replaceAll('\t', ' ')
    return line.length > LINE ? `${line.slice(0, LINE)}…` : line
  } catch {
    return undefined
  }
}

async function identifyZip(source: ByteSource): Promise<SourceKind> {
  const entries = await readZipDirectory(source).catch((error: unknown) => {
    if (error instanceof PetalError && error.code === 'ARCHIVE_END_MISSING') return undefined
    throw error
  })
  if (entries === undefined) return { kind: 'truncated', bytes: source.size }
  const names = entries.map((entry) => entry.name)
  if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) return { kind: 'npz' }
  const inner = new Set(names.map((name) => name.slice(name.indexOf('/') + 1)))
  const some = (test: (name: string) => boolean): boolean => [...inner].some(test)
  if (inner.has('archive_format') || inner.has('serialized_exported_program.json') || some((name) => /^models\/[^/]+\.json$/.test(name))) {
    return { kind: 'exported-program' }
  }
  if (inner.has('data.pkl')) {
    if (inner.has('bytecode.pkl')) return { kind: 'lite' }
    if (inner.has('constants.pkl') || some((name) => name.startsWith('code/'))) return { kind: 'torchscript' }
    return identifyPickle(archiveOf(source, entries))
  }
  if (inner.has('model.json') && some((name) => name.startsWith('tensors/') || name.startsWith('code/'))) return { kind: 'old-torchscript' }
  if (some((name) => name === '.data/extern_modules')) return { kind: 'torch-package' }
  if (names.includes('serialized_exported_program.json')) return { kind: 'exported-program' }
  return { kind: 'zip' }
}

/** A zip archive of torch.save. */
async function identifyPickle(archive: Archive): Promise<SourceKind> {
  const record = archive.records.get('data.pkl')!
  return kindOfPickled(readPickle(await record.read(), 'data.pkl'))
}

/** What torch.save wrote before 1.6: three small pickles, the value, then tensors. Anything else is just a pickle. */
async function identifyLegacy(source: ByteSource, name: string): Promise<SourceKind> {
  const bytes = await source.read(0, Math.min(source.size, LEGACY_HEAD, PICKLE_LIMITS.bytes))
  try {
    const magic = readPickleAt(bytes, 0, name)
    if (magic.value !== 0x1950a86a20f9469cfc6cn) return { kind: 'pickle' }
    const protocol = readPickleAt(bytes, magic.end, name)
    const system = readPickleAt(bytes, protocol.end, name)
    return kindOfPickled(readPickleAt(bytes, system.end, name).value)
  } catch (error) {
    if (error instanceof PetalError) return { kind: 'pickle' }
    throw error
  }
}

/** Tells a pickled module from a state dict and from other values, by what is at the top. */
function kindOfPickled(value: PickleValue): SourceKind {
  if (isTensor(value)) return { kind: 'pickled-data' }
  const entries = entriesOf(value)
  if (entries === undefined && isObject(value)) return checkpoint(value)
  if (entries === undefined) return { kind: 'pickled-data' }
  const values = entries.map(([, item]) => item)
  const plain = (item: PickleValue): boolean => !isContainer(item) || isTensor(item) || entriesOf(item) !== undefined
  if (values.some(isTensor) && values.every(plain)) return { kind: 'state-dict' }
  const moduleInside = values.find((item) => isObject(item) && isModule(item))
  if (moduleInside !== undefined) return checkpoint(moduleInside as PickleObject)
  if (values.some((item) => entriesOf(item)?.some(([, inner]) => isTensor(inner)))) return { kind: 'state-dict' }
  return { kind: 'pickled-data' }
}

function checkpoint(value: PickleObject): SourceKind {
  // Python's reconstructors wrap the class that counts; older files wrap it into a reference that carries its source.
  const { callee } = value
  const direct = isGlobal(callee) && !callee.module.startsWith('copy') ? callee : firstGlobal(callee) ?? firstGlobal(value.args)
  return direct === undefined ? { kind: 'checkpoint' } : { kind: 'checkpoint', className: globalName(direct) }
}

function firstGlobal(value: PickleValue): PickleGlobal | undefined {
  if (!isContainer(value)) return undefined
  const inside = value.kind === 'persistent' && isContainer(value.id) ? value.id : value
  return childrenOf(inside).find(isGlobal)
}

/** Modules keep these in their `__dict__`. */
function isModule(value: PickleObject): boolean {
  return entriesOf(value.state ?? null)?.some(([key]) => key === '_modules' || key === '_parameters') ?? false
}

function isTensor(value: PickleValue): boolean {
  return isObject(value) && isGlobal(value.callee) && value.callee.module === 'torch._utils' && value.callee.name.startsWith('_rebuild_')
}

function isGlobal(value: PickleValue): value is PickleGlobal {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'global'
}

function isObject(value: PickleValue): value is PickleObject {
  return isContainer(value) && value.kind === 'object'
}

/** The entries of a dict or of an object that is a kind of dict, as OrderedDict. */
function entriesOf(value: PickleValue): readonly (readonly [PickleValue, PickleValue])[] | undefined {
  if (!isContainer(value)) return undefined
  if (value.kind === 'dict') return value.entries
  if (value.kind !== 'object') return undefined
  return value.entries ?? (isGlobal(value.callee) && value.callee.module === 'collections' ? [] : undefined)
}

/** Eight bytes of header length, then a JSON object. */
function isSafetensors(head: Uint8Array, text: string): boolean {
  if (head.length < 10) return false
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true)
  return length >= 2n && length < 1n << 32n && /^\{\s*["}]/.test(text.slice(8, 64))
}

/** ModelProto begins with field 1, a small ir_version, and goes on with producer name, opset imports or the graph. */
function isOnnx(head: Uint8Array): boolean {
  return head.length > 3 && head[0] === 0x08 && head[1]! <= 20 && (head[2] === 0x12 || head[2] === 0x3a || head[2] === 0x42)
}
