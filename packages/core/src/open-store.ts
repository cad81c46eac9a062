import { PetalError } from './errors.ts'
import { frozenStore } from './frozen/index.ts'
import { type Lock, LOCKFILE, readLock } from './lockfile/index.ts'
import { projectRoot } from './project.ts'
import { createRemote, type RemoteOptions, withRemote } from './remote/index.ts'
import { createStore, type Store, type Stored, type StoreOptions } from './store/index.ts'
import { toolIdentity } from './store/tool.ts'

export type { RemoteOptions } from './remote/index.ts'

/** How an app's store is used. What is left out comes from the environment. */
export interface OpenStoreOptions extends StoreOptions {
  /** Whether a miss is an error; `PETAL_FROZEN`, else false. */
  readonly frozen?: boolean | undefined
  /** A store to ask before computing; `PETAL_REMOTE`, `PETAL_REMOTE_TOKEN` and `PETAL_REMOTE_WRITE`, else none. */
  readonly remote?: Partial<RemoteOptions> | false | undefined
  /** Whether results have to be as the lock file says, where there is one; true when left out, false for who writes it. */
  readonly isLocked?: boolean | undefined
  /** Takes a line for people, about the remote store. */
  readonly note?: ((line: string) => void) | undefined
}

/**
 * The store of an app as its builds use it: with a remote store behind it, held to the lock file, and, when frozen, without computing.
 * Throws a PetalError (BAD_LOCKFILE, BAD_REMOTE, UNKNOWN_VALUE).
 */
export function openStore(options: OpenStoreOptions = {}): Store {
  const { note = () => {}, env = process.env } = options
  const tool = (): string => options.tool ?? toolIdentity()
  const frozen = options.frozen ?? isOn(env, 'PETAL_FROZEN')
  const root = projectRoot(options.root ?? process.cwd())
  const lock = lockOf(root, options.isLocked)
  const locked = new Map(Object.values(lock ?? {}).map(({ key, sha256 }) => [key, sha256]))
  const given = remoteOptions(options.remote, env)
  const local = createStore(options)
  const remoted = given ? withRemote(local, { remote: createRemote(given, note), tool, locked, note }) : local
  const store = frozen ? frozenStore(remoted, tool, given !== undefined) : remoted
  return lock && options.isLocked !== false ? lockedStore(store, locked, frozen) : store
}

/** Also who is to write the lock file anew does not believe a remote store against it, but can do with a broken one. */
function lockOf(root: string, isLocked = true): Lock | undefined {
  try {
    return readLock(root)
  } catch (error) {
    if (isLocked) throw error
    return undefined
  }
}

/** A store whose results are as the lock file says: an entry that is not, whoever put it there, is an error. */
function lockedStore(store: Store, locked: ReadonlyMap<string, string>, frozen: boolean): Store {
  const held = (stored: Stored, name: string): Stored => {
    const expected = locked.get(stored.key)
    if (expected === stored.sha256 || (expected === undefined && !frozen)) return stored
    throw expected === undefined
      ? new PetalError({
        code: 'NOT_LOCKED', message: `${name} is not in ${LOCKFILE} as it is imported now.`,
        cause: 'The import, the model or petal changed after the lock file was written.',
        fix: 'Run "petal prewarm" and commit the lock file.',
      })
      : new PetalError({
        code: 'LOCK_MISMATCH', message: `${name} is not as locked: ${LOCKFILE} names ${expected}, the store has ${stored.sha256}.`,
        cause: 'The same request always gives the same bytes, so one of the two was changed by hand or by somebody else.',
        fix: `Delete the store ${store.dir} and build again; if the lock file is wrong, run "petal prewarm".`,
      })
  }
  return {
    ...store,
    async find(wanted) {
      const found = await store.find(wanted)
      return found && held(found, wanted.name)
    },
    resolve: async (wanted, produce) => held(await store.resolve(wanted, produce), wanted.name),
  }
}

type Environment = Readonly<Record<string, string | undefined>>

const ON = new Set(['1', 'true', 'yes', 'on'])
const OFF = new Set(['', '0', 'false', 'no', 'off'])

/** A switch of the environment. Throws a PetalError (UNKNOWN_VALUE) for a word that is neither: a guess would be wrong half of the time. */
function isOn(env: Environment, name: string): boolean {
  const value = (env[name] ?? '').toLowerCase()
  if (ON.has(value) || OFF.has(value)) return ON.has(value)
  throw new PetalError({ code: 'UNKNOWN_VALUE', message: `The environment variable ${name} is "${env[name]}".`, fix: 'Set it to 1, or to 0.' })
}

function milliseconds(env: Environment, name: string): number | undefined {
  const value = env[name] ? Number(env[name]) : undefined
  if (value === undefined || value > 0) return value
  throw new PetalError({ code: 'UNKNOWN_VALUE', message: `The environment variable ${name} is "${env[name]}".`, fix: 'Set it to milliseconds.' })
}

function remoteOptions(option: OpenStoreOptions['remote'], env: Environment): RemoteOptions | undefined {
  const url = option === false ? undefined : option?.url ?? env['PETAL_REMOTE']
  if (option === false || !url) return undefined
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new PetalError({
      code: 'BAD_REMOTE', message: 'The address of the remote store is no http or https URL.', fix: 'Write https://host/path.',
    })
  }
  return {
    url, token: option?.token ?? env['PETAL_REMOTE_TOKEN'], write: option?.write ?? isOn(env, 'PETAL_REMOTE_WRITE'),
    timeout: option?.timeout ?? milliseconds(env, 'PETAL_REMOTE_TIMEOUT'),
  }
}
