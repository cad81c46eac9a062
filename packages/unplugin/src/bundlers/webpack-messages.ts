import { stripVTControlCharacters } from 'node:util'
import type { Compilation } from 'webpack'
import { MODEL_FILE } from '../ids.ts'

/** What a compilation has among its errors and warnings, of webpack or of Rspack. */
interface Message extends Error {
  /** What the loader threw. */
  readonly error?: Error
  readonly module?: { readonly resource?: string }
}

/** `Module Warning (from ../node_modules/…/load.mjs):`, after the sign that Rspack draws. */
const HEADING = /^(?: *⚠ )?Module Warning \(from .*\):\n/

/** What Rspack draws before the lines of a text. */
const GUTTER = /^ *│ ?/gm

/**
 * Makes the messages of a compilation that are ours what this plugin said: both bundlers put the path of the loader before it, which is
 * deep inside of unplugin, and overlays begin with that. `refused` has the texts of errors. A message is replaced, as Rspack keeps none
 * that is changed.
 */
export function dropHeadings({ errors, warnings }: Pick<Compilation, 'errors' | 'warnings'>, refused: ReadonlySet<string>): void {
  replace(errors, ({ error }) => (error && refused.has(error.message) ? error.message : undefined))
  replace(warnings, ({ message, module }) => {
    // Rspack draws in colours where it believes that somebody sees them, as in CI.
    const plain = stripVTControlCharacters(message)
    if (!HEADING.test(plain) || !MODEL_FILE.test(module?.resource ?? '')) return undefined
    return plain.replace(HEADING, '').replaceAll(GUTTER, '').trimEnd()
  })
}

function replace(messages: Error[], textOf: (message: Message) => string | undefined): void {
  // Rspack's list is no array.
  for (let at = 0; at < messages.length; at++) {
    const { name, module } = messages[at] as Message
    const text = textOf(messages[at] as Message)
    if (text !== undefined) messages[at] = Object.assign(new Error(text), { name, module, stack: '' })
  }
}
