import { createHash } from 'node:crypto'
import { createConversionStore } from '../store/conversions.ts'
import {
  type ConversionRecord, type FileDigest, type Store, type Stored, type StoredConversion, type StoreRequest, writeStream,
} from '../store/index.ts'
import { actionKey, type ActionKeyParts } from '../store/key.ts'
import { type Remote, RemoteFailure, WrongContent } from './http.ts'
import { openAction, openConversions, seal } from './records.ts'

export { createRemote, type Remote, type RemoteOptions } from './http.ts'

/** What a store with a remote one behind it needs. */
export interface RemoteContext {
  readonly remote: Remote
  /** Names the compiling code. */
  readonly tool: () => string
  /** By key, the digest that a result has to have; a remote store that says otherwise is not believed. */
  readonly locked: ReadonlyMap<string, string>
  /** Takes a line for people. */
  readonly note: (line: string) => void
}

/** How many conversions of one source are kept. */
const KEPT_CONVERSIONS = 16

const actionPath = (key: string): string => `ac/${key}`
const contentPath = (sha256: string): string => `cas/${sha256}`

/**
 * A store that asks a remote one before it computes, and, where that takes files, gives it what it has. What comes from there goes into the
 * local store as if it was computed here, after its digest was compared; what is wrong is refused, told of, and computed.
 */
export function withRemote(store: Store, context: RemoteContext): Store {
  const { remote, tool } = context
  const conversions = createConversionStore('', '', tool)
  const shared = new Set<string>()
  const partsOf = ({ source, request }: StoreRequest): ActionKeyParts => ({ tool: tool(), source: source.sha256, request })

  const share = async (wanted: StoreRequest, stored: Stored, isRefused = false): Promise<Stored> => {
    const { file, sha256, bytes, facts, warnings } = stored
    const parts = partsOf(wanted)
    const key = actionKey(parts)
    if (!remote.mayWrite || shared.has(key)) return stored
    shared.add(key)
    if (!isRefused && await remote.has(actionPath(key))) return stored
    // The file first: a record says that it is there.
    if (!await shareContent(remote, { sha256, bytes }, file, isRefused)) return stored
    await remote.put(actionPath(key), { text: seal(key, { parts, source: wanted.source, output: { sha256, bytes }, facts, warnings }) })
    return stored
  }

  const shareConversion = async (key: string, stored: StoredConversion): Promise<StoredConversion> => {
    const { dependencies, details, output, file } = stored
    if (!remote.mayWrite || shared.has(`${key} ${output.sha256}`)) return stored
    shared.add(`${key} ${output.sha256}`)
    const record: ConversionRecord = { dependencies, output, details }
    const same = JSON.stringify(record)
    const others = await remoteConversions(key, context)
    if (others.some((other) => JSON.stringify(other) === same) || !await shareContent(remote, output, file, false)) return stored
    await remote.put(actionPath(key), { text: seal(key, [record, ...others].slice(0, KEPT_CONVERSIONS)) })
    return stored
  }

  return {
    ...store,
    async find(wanted) {
      const found = await store.find(wanted)
      return found && await share(wanted, found)
    },
    async resolve(wanted, produce) {
      const found = await store.find(wanted)
      if (found) return await share(wanted, found)
      const key = actionKey(partsOf(wanted))
      const record = await remoteAction(key, context)
      let isRefused = record === 'refused'
      if (record && record !== 'refused') {
        const { facts, warnings, output } = record
        try {
          const stored = await store.resolve(wanted, async () =>
            ({ facts, warnings, size: output.bytes, stream: () => verified(remote, output) }))
          return { ...stored, fromCache: true }
        } catch (error) {
          isRefused = toldOf(error, wanted.name, context)
        }
      }
      return await share(wanted, await store.resolve(wanted, produce), isRefused)
    },
    async findConversion(wanted, accept) {
      const found = await store.findConversion(wanted, accept)
      return found && await shareConversion(conversions.key(wanted), found)
    },
    async resolveConversion(wanted, steps) {
      const key = conversions.key(wanted)
      const found = await store.findConversion(wanted, steps.accept)
      if (found) return await shareConversion(key, found)
      for (const record of await remoteConversions(key, context)) {
        if (!await steps.accept(record)) continue
        const produce = async (output: string): Promise<Omit<ConversionRecord, 'output'>> => {
          await writeStream(output, verified(remote, record.output))
          return { dependencies: record.dependencies, details: record.details }
        }
        try {
          return { ...await store.resolveConversion(wanted, { ...steps, produce }), fromCache: true }
        } catch (error) {
          toldOf(error, steps.path, context)
        }
      }
      return await shareConversion(key, await store.resolveConversion(wanted, steps))
    },
  }
}

/** True where the remote store gave wrong bytes. Errors that are none of its go on. */
function toldOf(error: unknown, name: string, { remote, note }: RemoteContext): boolean {
  if (!(error instanceof RemoteFailure)) throw error
  if (!(error instanceof WrongContent)) return false
  note(`the remote store ${remote.name} has a wrong file for ${name}, which is refused: ${error.message}`)
  return true
}

async function remoteAction(key: string, context: RemoteContext): Promise<ReturnType<typeof openAction> | 'refused' | undefined> {
  const text = await context.remote.text(actionPath(key))
  if (text === undefined) return undefined
  return opened(key, context, () => {
    const record = openAction(text, key)
    const locked = context.locked.get(key)
    if (locked !== undefined && locked !== record.output.sha256) throw new TypeError('it names another file than the lock file')
    return record
  }) ?? 'refused'
}

async function remoteConversions(key: string, context: RemoteContext): Promise<readonly ConversionRecord[]> {
  const text = await context.remote.text(actionPath(key))
  return text === undefined ? [] : opened(key, context, () => openConversions(text, key)) ?? []
}

function opened<T>(key: string, { remote, note }: RemoteContext, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    note(`the remote store ${remote.name} has a wrong record (${actionPath(key)}), which is refused: ${error.message}`)
    return undefined
  }
}

/** The bytes, to their end only if they are the right ones. */
async function* verified(remote: Remote, { sha256, bytes }: FileDigest): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  let read = 0
  for await (const piece of remote.read(contentPath(sha256), bytes)) {
    hash.update(piece)
    read += piece.byteLength
    yield piece
  }
  if (read !== bytes) throw new WrongContent(`it has ${read} bytes, and not ${bytes}.`)
  const found = hash.digest('hex')
  if (found !== sha256) throw new WrongContent(`its SHA-256 is ${found}, and not ${sha256}.`)
}

async function shareContent(remote: Remote, { sha256 }: FileDigest, file: string, isRefused: boolean): Promise<boolean> {
  return !isRefused && await remote.has(contentPath(sha256)) || await remote.put(contentPath(sha256), { file })
}
