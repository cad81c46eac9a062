import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import colors from 'picocolors'
import { createPyTorch } from '../pytorch/create.ts'
import { setUp } from '../pytorch/setup.ts'
import { tryConversion } from '../pytorch/try.ts'
import type { Arguments } from './arguments.ts'
import { plain, print, printJson } from './terminal.ts'

/** `petal setup`: PyTorch for one project, in its own folder. */
export async function setup(args: Arguments): Promise<void> {
  const json = args.switches.has('json')
  const folder = args.operand === '' ? projectFolder(process.cwd()) : resolve(args.operand)
  const result = await setUp({
    folder, env: process.env,
    verify: tryPython,
    onStep: (text) => { say(colors.bold(plain(text))) },
    onOutput: (line) => { say(colors.dim(`  ${plain(line)}`)) },
  })
  if (json) return printJson({ folder, ...result })
  const place = plain(relative(process.cwd(), result.python) || result.python)
  print(`${result.wasThere ? 'Already there' : 'Ready'}: ${place} with ${result.requirements.join(', ')}`)
}

/** Standard output is for the result. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Converts a model both ways, as a build would. */
async function tryPython(python: string): Promise<void> {
  const engine = createPyTorch({ root: dirname(python), python })
  try {
    await tryConversion(engine, 'trace')
    await tryConversion(engine, 'script')
  } finally {
    await engine.close()
  }
}

/** The nearest folder with a package.json at or above `start`; `start` itself where there is none. */
export function projectFolder(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) return start
  }
}
