import { join } from 'node:path'
import colors from 'picocolors'
import { build, type BuildResult } from '../build.ts'
import { PetalError } from '../errors.ts'
import { namedMiss } from '../frozen/index.ts'
import { buildLayered } from '../layered-build.ts'
import { type Lock, lockDifferences, LOCKFILE, readLock, requestName, writeLock } from '../lockfile/index.ts'
import { openStore } from '../open-store.ts'
import { createPyTorch } from '../pytorch/index.ts'
import { type GivenDirectives, type Layers, parseQuery, readDirectives } from '../request/index.ts'
import { portable, projectRoot } from '../project.ts'
import { type ScannedImport, scanImports } from '../scan/index.ts'
import { type Arguments, onlyValue } from './arguments.ts'
import { EXIT, report } from './exit.ts'
import { count, plain, print, printJson, size, warn } from './terminal.ts'

/** `petal prewarm`: builds all models that an app's sources import, and writes the lock file; with `--locked` that must not change. */
export async function prewarm(args: Arguments): Promise<void> {
  await warm(args, args.switches.has('locked'))
}

/** `petal check`: the same, held to the lock file. */
export async function check(args: Arguments): Promise<void> {
  await warm(args, true)
}

/** What the sources of a folder ask for. */
async function scanned(args: Arguments): Promise<{ root: string; imports: readonly ScannedImport[]; problems: readonly PetalError[] }> {
  const folder = args.operand === '' ? process.cwd() : args.operand
  const root = projectRoot(folder)
  return { root, ...await scanImports(folder, { root, aliases: aliasesOf(args), layers: layersOf(args) }) }
}

async function warm(args: Arguments, isLocked: boolean): Promise<void> {
  const { root, imports, problems } = await scanned(args)
  const isJson = args.switches.has('json')
  const before = isLocked ? readLock(root) : undefined
  if (isLocked && !before) {
    throw new PetalError({
      code: 'NO_LOCKFILE', message: `There is no ${LOCKFILE} in ${root}.`, fix: 'Write one with "petal prewarm" and commit it.',
    })
  }
  const store = openStore({ root, isLocked: false, note: warn, ...args.switches.has('frozen') && { frozen: true } })
  const engine = createPyTorch({ root, memo: join(store.dir, 'python'), python: onlyValue(args, 'python') })
  const results = new Map<string, BuildResult>()
  const failures: PetalError[] = [...problems]
  try {
    await Promise.all([...byRequest(root, imports)].map(async ([name, one]) => {
      try {
        results.set(name, await buildLayered(one, (request) => build({ ...request, file: one.file }, { store, engine, root })))
      } catch (error) {
        if (!(error instanceof PetalError)) throw error
        const importer = portable(root, one.importer)
        const { frame } = error.location ?? {}
        const { line, column } = one
        const location = { file: importer, line, column, ...frame !== undefined && { frame } }
        failures.push(namedMiss(error, one.specifier, importer).with({ location }))
      }
    }))
  } finally {
    await engine.close()
  }
  const lock = lockOf(results)
  // A model that is refused is told of; that the lock file has it, too, is no news.
  const differences = isLocked && failures.length === 0 ? lockDifferences(before!, lock) : []
  const isWritten = !isLocked && failures.length === 0 && await writeLock(root, lock)
  if (isJson) {
    printJson({
      ok: failures.length === 0 && differences.length === 0, root, models: lock,
      computed: [...results].filter(([, one]) => !one.fromCache).map(([name]) => name).toSorted(),
      differences,
      errors: failures.map(({ code, what, likelyCause, fix, location }) => ({ code, message: what, cause: likelyCause, fix, location })),
    })
  } else {
    for (const failure of failures) report(failure, false)
    print(...linesOf(results), summaryOf(results, isLocked, isWritten, failures.length, differences))
  }
  if (failures.length > 0 || differences.length > 0) process.exitCode = EXIT.refused
}

/** Each request once: the first import of it stands for all in messages. */
function byRequest(root: string, imports: readonly ScannedImport[]): Map<string, ScannedImport> {
  const requests = new Map<string, ScannedImport>()
  for (const one of imports) {
    const name = requestName(root, one.file, one.request)
    if (!requests.has(name)) requests.set(name, one)
  }
  return requests
}

function lockOf(results: ReadonlyMap<string, BuildResult>): Lock {
  return Object.fromEntries([...results].map(([name, { source, key, sha256, bytes }]) =>
    [name, { source: source.sha256, key, sha256, bytes }]))
}

function linesOf(results: ReadonlyMap<string, BuildResult>): string[] {
  return [...results].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, { source, bytes, fromCache }]) =>
    `${plain(name)}  ${size(source.bytes)} -> ${size(bytes)}  ${colors.dim(fromCache ? 'stored' : 'compiled')}`)
}

function summaryOf(
  results: ReadonlyMap<string, BuildResult>, isLocked: boolean, isWritten: boolean, failed: number, differences: readonly string[],
): string {
  if (failed > 0) return `${count(failed, 'import')} failed.${isLocked ? '' : ` ${LOCKFILE} was not written.`}`
  if (differences.length > 0) {
    return [
      `${LOCKFILE} is not up to date:`, ...differences.map((line) => `  ${plain(line)}`),
      'Run "petal prewarm" and commit the lock file, if this is meant.',
    ].join('\n')
  }
  const state = isLocked ? `as locked in ${LOCKFILE}` : `${LOCKFILE} ${isWritten ? 'written' : 'unchanged'}`
  return `${count(results.size, 'model')}, ${state}.`
}

/** `--alias @=src` */
function aliasesOf(args: Arguments): ReadonlyMap<string, string> {
  return new Map((args.values.get('alias') ?? []).map((written) => pair(written, '--alias @=src')))
}

/**
 * What the plugin's options say for all imports: `--defaults "block=conv_bn_fusion"` and `--preset "camera=backend=vulkan"`, else the
 * variables that the plugin reads for them.
 */
function layersOf(args: Arguments): Layers {
  const { PETAL_DEFAULTS = '', PETAL_PRESETS = '{}', PETAL_BLOCK, PETAL_LINT } = process.env
  const own = [['block', PETAL_BLOCK], ['lint', PETAL_LINT]].filter(([, value]) => value) as [string, string][]
  const defaults = [...own, ...parseQuery(onlyValue(args, 'defaults') ?? PETAL_DEFAULTS)]
  const given = (args.values.get('preset') ?? []).map((written) => pair(written, '--preset "camera=backend=vulkan"'))
  const presets = given.length > 0 ? Object.fromEntries(given) : fromJson(PETAL_PRESETS)
  const read = Object.entries(presets).map(([name, query]) => [name, readDirectives(query)] as const)
  return { defaults: () => defaults, presets: Object.fromEntries(read) }
}

function fromJson(text: string): Readonly<Record<string, GivenDirectives>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, GivenDirectives>>
  } catch {
    throw new PetalError({ code: 'USAGE', message: 'PETAL_PRESETS is no JSON.', fix: 'Write {"camera": "image=224"}.' })
  }
}

function pair(written: string, example: string): [string, string] {
  const equals = written.indexOf('=')
  if (equals < 1) throw new PetalError({ code: 'USAGE', message: `"${written}" has no "=" after a name.`, fix: `Write ${example}.` })
  return [written.slice(0, equals), written.slice(equals + 1)]
}
