import { resolve } from 'node:path'
import { PetalError } from '../errors.ts'
import { requireFolder } from '../pytorch/setup.ts'
import { projectRoot } from '../project.ts'
import { scanImports } from '../scan/index.ts'
import { cacheKey } from '../store/cache-key.ts'
import { createStore, systemCode, writeFailure } from '../store/index.ts'
import { readInventory } from '../store/inventory.ts'
import { parseAge, storeLimits } from '../store/limits.ts'
import { storeDirectory } from '../store/location.ts'
import { prune as pruneStore } from '../store/prune.ts'
import { toolIdentity } from '../store/tool.ts'
import { exportStore, importStore } from '../store/transfer.ts'
import { verify as verifyStore } from '../store/verify.ts'
import { type Arguments, onlyValue } from './arguments.ts'
import { EXIT } from './exit.ts'
import { count, plain, print, printJson, size } from './terminal.ts'

/** `petal cache path`. */
export async function path(args: Arguments): Promise<void> {
  const dir = await storeOf(args)
  tell(args, { dir }, [dir])
}

/** `petal cache stats`. */
export async function stats(args: Arguments): Promise<void> {
  const dir = await storeOf(args)
  const { records, contents, damaged } = await readInventory(dir)
  const bytes = contents.reduce((sum, content) => sum + content.bytes, 0)
  const times = records.map(({ usedAt }) => usedAt)
  const [oldest, newest] = times.length === 0 ? [] : [Math.min(...times), Math.max(...times)].map((time) => new Date(time).toISOString())
  const of = (kind: string): number => records.filter((record) => record.kind === kind).length
  const files = contents.length
  const facts = { dir, compiled: of('action'), converted: of('conversion'), files, bytes, damaged: damaged.length, oldest, newest }
  tell(args, facts, [
    dir,
    `  ${count(facts.compiled, 'compiled model')}, ${count(facts.converted, 'converted source')}: ${amount({ files: facts.files, bytes })}`,
    ...oldest === undefined ? [] : [`  used between ${oldest} and ${newest}`],
    ...damaged.length === 0 ? [] : [`  ${count(damaged.length, 'damaged record')}; see "petal cache verify"`],
  ])
}

/** `petal cache prune`. */
export async function prune(args: Arguments): Promise<void> {
  const dir = await storeOf(args)
  const limits = storeLimits({ maxAge: onlyValue(args, 'max-age'), maxSize: onlyValue(args, 'max-size') }, process.env)
  const report = await writing(dir, () => pruneStore(dir, limits))
  const { removed, kept } = report
  tell(args, { dir, ...report }, [`removed ${amount(removed)}; kept ${amount(kept)}`])
}

/** `petal cache verify`: exit code 1 for damage that stays. */
export async function verify(args: Arguments): Promise<void> {
  const dir = await storeOf(args)
  const report = await writing(dir, () => verifyStore(dir, args.switches.has('repair')))
  const isSound = report.damage.every(({ repair }) => repair !== undefined)
  tell(args, { ok: isSound, dir, ...report }, [
    ...report.damage.map(({ path, problem, repair }) => `${plain(path)}: ${problem}${repair === undefined ? '' : `; ${repair}`}`),
    `${count(report.records, 'record')}, ${amount(report)}: ${soundness(report.damage.length, isSound)}`,
  ])
  if (!isSound) process.exitCode = EXIT.refused
}

/** `2 files, 1.20 MB` */
const amount = ({ files, bytes }: { readonly files: number; readonly bytes: number }): string => `${count(files, 'file')}, ${size(bytes)}`

function soundness(damaged: number, isSound: boolean): string {
  if (damaged === 0) return 'all as they were written'
  return isSound ? `${damaged} damaged, repaired` : `${damaged} damaged; "petal cache verify --repair" removes what cannot be restored`
}

/** `petal cache key`: what the models of an app and the tool come down to. */
export async function key(args: Arguments): Promise<void> {
  const folder = resolve(args.operand)
  await requireFolder(folder)
  const root = projectRoot(folder)
  const { imports } = await scanImports(folder, { root })
  const store = createStore({ root })
  const models = new Map<string, string>()
  for (const file of new Set(imports.map((one) => one.file))) {
    // A model that is missing is for the build to tell.
    const digest = await store.digest(file).catch(() => undefined)
    if (digest) models.set(file, digest.sha256)
  }
  const line = cacheKey({ tool: toolIdentity(), models: [...models.values()] })
  tell(args, { key: line, restore: line.slice(0, line.lastIndexOf('-') + 1), models: models.size }, [line])
}

/** `petal cache export`. */
export async function exporting(args: Arguments): Promise<void> {
  const dir = await storeOf(args, '')
  const archive = resolve(args.operand)
  const age = onlyValue(args, 'max-age')
  const report = await writing(archive, () => exportStore(dir, archive, age === undefined ? Infinity : parseAge(age, '--max-age')))
  tell(args, { archive, dir, ...report }, [`${plain(archive)}: ${count(report.records, 'record')}, ${amount(report)}`])
}

/** `petal cache import`. */
export async function importing(args: Arguments): Promise<void> {
  const dir = await storeOf(args, '')
  const archive = resolve(args.operand)
  const report = await writing(dir, () => importStore(dir, archive)).catch((error: unknown) => { throw unreadable(error, archive) })
  tell(args, { archive, dir, ...report }, [`${plain(dir)}: ${count(report.records, 'record')}, ${amount(report)}`])
}

/** The store that a command is about: `--dir`, else that of the app in the folder, or where one is. */
async function storeOf(args: Arguments, app = args.operand): Promise<string> {
  const dir = onlyValue(args, 'dir')
  if (dir !== undefined) return resolve(dir)
  const root = resolve(app)
  await requireFolder(root)
  return storeDirectory({ root })
}

async function writing<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw writeFailure(error, place, 'Free or unlock it, or name another place.')
  }
}

function unreadable(error: unknown, archive: string): unknown {
  const code = systemCode(error)
  if (error instanceof PetalError || code === undefined) return error
  const message = `Cannot read ${archive} (${code}).`
  return new PetalError({ code: 'NOT_READABLE', message, fix: 'Check the name, and that it may be read.' })
}

function tell(args: Arguments, facts: object, lines: readonly string[]): void {
  if (args.switches.has('json')) printJson(facts)
  else print(...lines)
}
