import { basename, dirname, resolve } from 'node:path'
import { type ModelImport, PetalError } from '@petaljs/core/asking'

/** The files that an import names: its model, and the weights of a Python source. */
export function filesOf({ path, request: { weights } }: Pick<ModelImport, 'path' | 'request'>): string[] {
  return [path, ...weights ? [resolve(dirname(path), weights)] : []]
}

/** Whether reading the model runs code that is in it: Python sources, and pickles that are trusted. */
export function runsCode({ path, request: { trust } }: Pick<ModelImport, 'path' | 'request'>): boolean {
  return /\.py$/i.test(path) || Boolean(trust)
}

/** A refusal that tells nothing of the file, as whoever asked may be anybody. */
export function notAllowed(path: string): PetalError {
  return new PetalError({
    code: 'NOT_ALLOWED',
    message: `The server was asked for ${basename(path)} by its address, and may not read it.`,
    cause: 'No module of the app that was served yet imports it with this query. Besides, Vite\'s server.fs allows other folders only, or the model is Python, which runs.',
    fix: 'Import it in the app\'s code and load the page, or add its folder to server.fs.allow.',
  })
}
