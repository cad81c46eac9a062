import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

let runs = 0

/** Runs a built ES module and gives what it assigned to `globalThis.result`. */
export async function runModule(dir: string, entry: string): Promise<any> {
  const shared = globalThis as { result?: unknown }
  delete shared.result
  runs += 1
  await import(/* @vite-ignore */ `${pathToFileURL(join(dir, entry)).href}?run=${runs}`)
  return shared.result
}

/** An error as builds print it: the message and all that comes with it. */
export function printed(error: any): Error {
  const place = error.loc && `${error.loc.file ?? error.id}:${error.loc.line}:${error.loc.column}`
  return Object.assign(new Error([error.message, place, error.frame].filter(Boolean).join('\n')), { cause: error })
}
