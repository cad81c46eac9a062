import { basename, dirname, resolve } from 'node:path'
import { PetalError } from '../errors.ts'
import { changed } from '../lockfile/index.ts'
import type { ConversionRecord, ConversionSteps, Store } from '../store/index.ts'
import { nearestDifference } from './nearest.ts'

const FIX =
  'Run "petal prewarm" where models may be compiled, and bring its store here (a CI cache, a remote store); or build without "frozen".'

/**
 * A store whose misses are errors (FROZEN_MISS), which say what the nearest record differs in.
 * @param tool names the compiling code.
 * @param mayFetch whether `store` gets results from elsewhere, and has to be asked for them.
 */
export function frozenStore(store: Store, tool: () => string, mayFetch: boolean): Store {
  return {
    ...store,
    async resolve(wanted) {
      const found = await store.find(wanted)
      if (found) return found
      const miss = async (): Promise<never> => {
        const { name, source, request } = wanted
        throw frozenMiss(name, await nearestDifference(store.dir, { name, parts: { tool: tool(), source: source.sha256, request } }))
      }
      return mayFetch ? await store.resolve(wanted, miss) : await miss()
    },
    async resolveConversion(wanted, steps) {
      const found = await store.findConversion(wanted, steps.accept)
      if (found) return found
      const miss = async (): Promise<never> => {
        const records: ConversionRecord[] = []
        await store.findConversion(wanted, async (record) => {
          records.push(record)
          return false
        })
        throw frozenMiss(basename(steps.path), await conversionDifference(store, records, steps))
      }
      return mayFetch ? await store.resolveConversion(wanted, { ...steps, produce: miss }) : await miss()
    },
  }
}

async function conversionDifference(store: Store, [newest]: readonly ConversionRecord[], { path }: ConversionSteps): Promise<string> {
  if (!newest) return 'The store has no conversion of these bytes with these directives.'
  for (const [file, before] of Object.entries(newest.dependencies)) {
    const now = await store.digest(resolve(dirname(path), file)).catch(() => undefined)
    if (now?.sha256 !== before) return `It was converted when ${file} was another (${changed(before, now?.sha256 ?? 'gone')}).`
  }
  return 'It was converted with another Python or other packages, or the stored file is damaged.'
}

/** The error for a result that is not there. `subject` is what is imported, as the reader knows it. */
function frozenMiss(subject: string, cause: string): PetalError {
  return new PetalError({ code: 'FROZEN_MISS', message: missed(subject), cause, fix: FIX })
}

const missed = (subject: string): string => `${subject} is not in the store, and a frozen build compiles nothing.`

/** A miss with the import that it is about in its text; other errors as they are. */
export function namedMiss(error: PetalError, specifier: string, importer: string | undefined): PetalError {
  if (error.code !== 'FROZEN_MISS') return error
  return error.with({ message: missed(`"${specifier}"${importer === undefined ? '' : `, imported by ${importer},`}`) })
}
