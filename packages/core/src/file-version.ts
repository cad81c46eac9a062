import { stat } from 'node:fs/promises'

/** A text that changes whenever the file does; empty when there is no such file, or it may not be looked at. */
export async function fileVersion(file: string): Promise<string> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined)
  return stats === undefined ? '' : [stats.size, stats.mtimeNs, stats.ctimeNs, stats.ino, stats.dev].join('.')
}
