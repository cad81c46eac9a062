import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
/** What set-up and tests make for themselves; never committed. */
export const work = join(root, '.petal')
mkdirSync(work, { recursive: true })

export const inCI = process.env.CI === 'true'
const windows = process.platform === 'win32'
const localBin = [join(work, 'tools/node_modules/.bin'), join(root, 'node_modules/.bin'), join(work, windows ? 'uv/Scripts' : 'uv/bin')].join(delimiter)

/** Environment for every child: the project's own tools first, no colour codes to parse, no telemetry. */
export function environment(extra = {}) {
  return { ...process.env, PATH: `${localBin}${delimiter}${process.env.PATH}`, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', ...extra }
}

export function say(text) {
  console.log(`\x1b[1m> ${text}\x1b[0m`)
}

/** Runs a command with its output shown; resolves to the exit code. */
export function run(command, args, { cwd = root, env = {} } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', fail)
    child.on('close', (code, signal) => done(signal ? 1 : code))
  })
}

/** Runs a command that must succeed. */
export async function must(command, args, options) {
  const code = await run(command, args, options)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with exit code ${code}`)
}

/** Output of a quick question, or undefined when the command is missing or fails. */
export function ask(command, args, options = {}) {
  const answer = spawnSync(command, args, { encoding: 'utf8', env: environment(), cwd: root, ...options })
  return answer.status === 0 ? answer.stdout.trim() : undefined
}

export function onPath(command) {
  return process.env.PATH.split(delimiter).map((dir) => join(dir, command)).find((file) => existsSync(file))
}
