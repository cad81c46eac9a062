/** The part of yauzl that the specs use; it ships no types. */
declare module 'yauzl' {
  export interface Entry {
    fileName: string
    uncompressedSize: number
  }
  export interface ZipFile {
    on(event: 'entry', listener: (entry: Entry) => void): this
    on(event: 'end', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    openReadStream(entry: Entry, callback: (error: Error | null, stream: AsyncIterable<Uint8Array>) => void): void
  }
  export function fromBuffer(
    buffer: Uint8Array, options: { lazyEntries?: boolean; strictFileNames?: boolean }, callback: (error: Error | null, file: ZipFile) => void,
  ): void
}
