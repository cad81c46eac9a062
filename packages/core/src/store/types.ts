import type { BuiltArtifact, BuiltFacts } from '../facts.ts'
import type { ConversionRecord, StoreConversionRequest } from './conversions.ts'
import type { FileDigest } from './digest.ts'
import type { StoreLocation } from './location.ts'
import type { LockTiming } from './lock.ts'

/** What a store did since it was created. */
export interface StoreStats {
  /** Requests answered without compiling for them. */
  readonly hits: number
  /** Requests that had to be compiled. With `hits`, all requests; less `computed`, those that failed. */
  readonly misses: number
  /** Files compiled by this process. */
  readonly computed: number
  /** Python sources converted by this process. */
  readonly converted: number
  /** Bytes of compiled files written. */
  readonly bytesWritten: number
  /** Bytes of models and stored files read to know their digest. */
  readonly bytesHashed: number
}

/** A compiled file in the store. */
export interface Stored {
  /** Absolute path, `…/net.ptl`. The file never changes. */
  readonly file: string
  readonly sha256: string
  readonly bytes: number
  /** What its record is stored under. */
  readonly key: string
  readonly facts: BuiltFacts
  readonly warnings: readonly string[]
  readonly fromCache: boolean
}

/** A converted source in the store. */
export interface StoredConversion extends ConversionRecord {
  /** Absolute path of the TorchScript archive. It never changes. */
  readonly file: string
  readonly fromCache: boolean
}

/** What only the caller can do for a conversion. */
export interface ConversionSteps {
  /** Where the source lies: equal files in two places may import other ones. */
  readonly path: string
  /** Whether an earlier answer still holds: its dependencies are as they were, and so on. */
  accept(record: ConversionRecord): Promise<boolean>
  /** Converts, into a new file at `output`. */
  produce(output: string): Promise<Omit<ConversionRecord, 'output'>>
}

/** What is asked of a store: these bytes, compiled so, under this name. */
export interface StoreRequest {
  readonly source: FileDigest
  /** The canonical request. */
  readonly request: string
  /** Name of the stored file: `net.ptl`. */
  readonly name: string
}

/** A content-addressed store of compiled models: what was computed once is never computed again. */
export interface Store {
  /** Its folder, without the layout's version. */
  readonly dir: string
  /** Whether it is only read: what is missing there is kept in a folder for temporary files. */
  readonly readonly: boolean
  readonly stats: StoreStats
  /** Digest and size of a file; read only if it changed since the last time. Rejects with the file system's error. */
  digest(file: string): Promise<FileDigest>
  /** The same if it is known without reading the file. */
  knownDigest(file: string): Promise<FileDigest | undefined>
  /** The stored answer, or undefined. */
  find(wanted: StoreRequest): Promise<Stored | undefined>
  /** The stored answer; `produce` makes it when there is none, once for all who ask at the same time, in this process or another. */
  resolve(wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Stored>
  /** The stored answer for a source that is to be converted, or undefined. */
  findConversion(wanted: StoreConversionRequest, accept: ConversionSteps['accept']): Promise<StoredConversion | undefined>
  /** The stored answer; made when there is none, once for all who ask at the same time. */
  resolveConversion(wanted: StoreConversionRequest, steps: ConversionSteps): Promise<StoredConversion>
  /** Removes what is beyond the limits, if that was not done within a day. For the end of a build; never rejects. */
  tidy(): Promise<void>
}

/** Where a store is, whose results it holds, and how it is used. */
export interface StoreOptions extends StoreLocation {
  /** Names the compiling code; a hash of the running code when left out. Another tool never sees this one's results. */
  tool?: string | undefined
  /** How long to wait for other processes, in milliseconds. */
  locks?: LockTiming | undefined
  /** What nobody used for so long is removed: `30d`, `12h`. Default: the environment variable PETAL_CACHE_MAX_AGE, else 30 days. */
  maxAge?: string | undefined
  /** Beyond this size what was used longest ago is removed: `5GB`. Default: the environment variable PETAL_CACHE_MAX_SIZE, else 10 GB. */
  maxSize?: string | undefined
  /** Nothing is written to the folder. Default: PETAL_CACHE_READONLY=1, else whether the folder can be written. */
  readonly?: boolean | undefined
  /** Takes, once, what is worth knowing: that the folder is only read. */
  note?: ((text: string) => void) | undefined
}
