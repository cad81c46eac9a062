import { createHash } from 'node:crypto'
import type { BuiltFacts } from '../facts.ts'
import type { ActionRecord } from '../store/actions.ts'
import type { ConversionRecord, FileDigest } from '../store/index.ts'
import { actionKey } from '../store/key.ts'

/** What is kept remotely under a key: the record, whose it is, and its digest, so that a damaged one is known. */
interface Envelope {
  readonly petal: 1
  readonly key: string
  /** SHA-256 of the record's JSON. */
  readonly sha256: string
  readonly record: unknown
}

const digestOf = (record: unknown): string => createHash('sha256').update(JSON.stringify(record)).digest('hex')

/** The text that is stored under a key. */
export function seal(key: string, record: unknown): string {
  const envelope: Envelope = { petal: 1, key, sha256: digestOf(record), record }
  return `${JSON.stringify(envelope)}\n`
}

/** What was sealed under the key. Throws a TypeError that says what is wrong with the text. */
function open(text: string, key: string): unknown {
  let envelope: Partial<Envelope> | null
  try {
    envelope = JSON.parse(text) as Partial<Envelope> | null
  } catch {
    throw new TypeError('it is no JSON')
  }
  if (envelope?.petal !== 1) throw new TypeError('it is no record of petal')
  if (envelope.key !== key) throw new TypeError('it is the record of another request')
  if (envelope.record === undefined || envelope.sha256 !== digestOf(envelope.record)) throw new TypeError('its digest is wrong')
  return envelope.record
}

/** No model is larger. A server that says so would fill the disk. */
const LARGEST_MODEL = 2 ** 33

const isDigest = (value: unknown): value is FileDigest => {
  const { sha256, bytes } = (value ?? {}) as Partial<FileDigest>
  return typeof sha256 === 'string' && /^[\da-f]{64}$/.test(sha256) && Number.isSafeInteger(bytes) && bytes! >= 0 && bytes! <= LARGEST_MODEL
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The record of a compile. Throws a TypeError that says why it is not to be used. */
export function openAction(text: string, key: string): ActionRecord {
  const record = open(text, key) as Partial<ActionRecord> | null
  const { parts, source, output, facts, warnings } = record ?? {}
  if (!isObject(parts) || actionKey(parts as unknown as ActionRecord['parts']) !== key) throw new TypeError('it was made from something else')
  if (!isDigest(source) || source.sha256 !== parts.source || !isDigest(output)) throw new TypeError('it names no file')
  if (!isObject(facts) || !areImports(facts.imports)) throw new TypeError('its facts are none')
  if (!Array.isArray(warnings) || !warnings.every((warning) => typeof warning === 'string')) throw new TypeError('its warnings are none')
  return record as ActionRecord
}

/** They become the names of an import statement: anything else would be code that a server puts into an app. */
function areImports(imports: BuiltFacts['imports'] | undefined): boolean {
  return isObject(imports) && Object.entries(imports).every(([family, names]) =>
    /^[\w-]+$/.test(family) && Array.isArray(names) && names.every((name) => typeof name === 'string' && /^[A-Za-z_$][\w$]*$/.test(name)))
}

/** The conversions of a source, newest first. Throws a TypeError that says why they are not to be used. */
export function openConversions(text: string, key: string): ConversionRecord[] {
  const records = open(text, key)
  if (!Array.isArray(records) || !records.every(isConversion)) throw new TypeError('it lists no conversions')
  return records
}

function isConversion(value: unknown): value is ConversionRecord {
  const { dependencies, details, output } = (value ?? {}) as Partial<ConversionRecord>
  const { facts, packages, warnings } = (isObject(details) ? details : {}) as Readonly<Record<string, unknown>>
  return isDigest(output) && isObject(dependencies) && Object.values(dependencies).every((digest) => typeof digest === 'string') &&
    isObject(facts) && isObject(packages) && Array.isArray(warnings) &&
    warnings.every((warning) => isObject(warning) && typeof warning['message'] === 'string')
}
