import type { ErrorLocation, PetalError } from '@petaljs/core'
import type { UnpluginBuildContext, UnpluginContext, UnpluginOptions } from 'unplugin'
import type { Models } from '../models.ts'
import type { Importer, Place } from '../place.ts'

/** `this` of the `load` hook. */
export type LoadContext = UnpluginBuildContext & UnpluginContext

/** What differs between bundlers. Supporting another one is writing another of these. */
export interface Bundler {
  /** The specifier that makes the bundler emit the stored file as an asset of its own; the import evaluates to its URL. */
  asset(stored: string): string
  /** The module of that specifier, where the bundler has no way of its own from the file to its URL. */
  emit?(context: LoadContext, stored: string): Promise<string> | string
  /** What a URL of an asset in a module is relative to; `import.meta.url` when left out. */
  readonly base?: string
  /**
   * How a specifier is written where the bundler gives a meaning of its own to signs in it; the same text where it gives none. Undefined when
   * it cannot be written at all. Left out, any specifier is one.
   */
  write?(specifier: string): string | undefined
  /** Who imports the module that is being loaded, where the bundler tells. */
  importer(context: LoadContext, id: string): Importer | undefined
  /**
   * Ends the load of `id` with an error that the bundler shows well: no stack, and at the import where that is known. Where errors are not
   * thrown, this gives the module that stands for the one that failed.
   */
  fail(context: LoadContext, id: string, error: PetalError, place: Place | undefined): string
  /**
   * Whether the bundler lets `files` be read for the module `id`. Without this, what it loads is what the app's own code imports, and that is
   * consent enough. `runsCode`: reading them runs what is in them.
   */
  allows?(id: string, files: readonly string[], runsCode: boolean): Promise<boolean>
  /** Hooks and settings that only this bundler has. */
  readonly options: Partial<UnpluginOptions>
}

/** Makes the row for one instance of the plugin. `settings` names the options that change what modules contain. */
export type BundlerFactory = (models: Models, settings: string) => Bundler

/** The error's text, with the place inside of the model, when there is one: the bundler's own place is the import. */
export function errorText(error: PetalError): string {
  return withPlace(error.message, error.location)
}

/** A text, and the place in the model or its Python source that it is about. */
export function withPlace(message: string, { file, line, frame }: ErrorLocation = {}): string {
  if (file === undefined && frame === undefined) return message
  const where = file === undefined ? '' : `In the model: ${file}${line === undefined ? '' : `:${line}`}`
  // The bar marks what is quoted; without it Vite's overlay takes the lines for a frame of the import and drops them.
  const quoted = frame?.split('\n').map((text) => `| ${text}`.trimEnd()) ?? []
  return [message, [where, ...quoted].filter(Boolean).join('\n')].join('\n\n')
}

/** An error as Rollup's kind of bundlers and Vite's overlay show it: at the import, and without a stack, which would be of this plugin. */
export function errorAt(error: PetalError, place: Place | undefined): Error {
  const { file, line, column, frame } = place ?? {}
  return Object.assign(new Error(errorText(error)), { stack: '' }, place && { id: file, loc: { file, line, column }, frame })
}
