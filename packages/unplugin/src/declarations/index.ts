import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { PetalError } from '@petaljs/core/asking'
import { type Declarations, fileOf, parse, render } from './text.ts'

/** A declaration file with the types of imported models. */
export interface DeclarationFile {
  /**
   * Notes what an import of `model` with that query is; settles when it is in the file. Throws a PetalError for a file that is somebody
   * else's, and where it cannot be written.
   */
  record(model: string, query: string, body: string): Promise<void>
}

/** The name of the file, where an option says no more than that there is one. */
const DEFAULT_NAME = 'petal.d.ts'

/**
 * The declaration file of a project. It is replaced in one step, and only when something changed; imports that were not seen this time stay
 * as long as their models exist. `root` is asked when it is first needed.
 */
export function createDeclarationFile(option: true | string, root: () => string): DeclarationFile {
  const seen = new Map<string, string>()
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined

  const write = async (): Promise<void> => {
    next = undefined
    const file = resolve(root(), option === true ? DEFAULT_NAME : option)
    const folder = dirname(file)
    // Imports of models of one app have paths in it, whatever the file is called there.
    const now = new Map(Array.from(seen, ([key, body]) => [nameOf(folder, key), body]))
    const text = await readFile(file, 'utf8').catch(() => undefined)
    const before = text === undefined || text.trim() === '' ? new Map<string, string>() : parse(text)
    if (!before) throw foreign(file)
    const all: Declarations = new Map([...before, ...now].filter(([name]) => existsSync(resolve(folder, fileOf(name)))))
    const after = render(all)
    if (after !== text) await replace(file, after)
  }

  return {
    record(model, query, body) {
      // A star in a name would make it a pattern.
      if (`${model}${query}`.includes('*') || seen.get(`${model}?${query}`) === body) return next ?? last
      seen.set(`${model}?${query}`, body)
      return next ??= last = last.catch(() => undefined).then(write)
    },
  }
}

const nameOf = (folder: string, key: string): string => {
  const mark = key.indexOf('?')
  return relative(folder, key.slice(0, mark)).replaceAll('\\', '/') + key.slice(mark)
}

async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(temporary, text)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw new PetalError({
      code: 'NOT_WRITABLE', message: `The types of models cannot be written to ${file}: ${(error as Error).message}.`,
      fix: 'Name another file in the option dts, or leave that out.',
    })
  }
}

function foreign(file: string): PetalError {
  return new PetalError({
    code: 'NOT_OURS', message: `${file} was not made by unplugin-petal, so it is not replaced with the types of models.`,
    fix: 'Name another file in the option dts, or remove this one.',
  })
}
