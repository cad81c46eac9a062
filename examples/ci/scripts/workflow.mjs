// Runs the steps of a GitHub Actions workflow on this machine: its `run:` lines as they are, and what `actions/cache` does, in a few lines.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The steps of a workflow's one job, and the environment of the job. For workflows written like ours: one line for each value. */
export function readWorkflow(file) {
  const [head, ...blocks] = readFileSync(file, 'utf8').split(/^ {6}- /m)
  return {
    env: pairs(/^ {4}env:\n((?: {6}.*\n)+)/m.exec(head)?.[1]),
    steps: blocks.map((block) => {
      const value = (name) => new RegExp(`^ *${name}: (.*)$`, 'm').exec(block)?.[1]
      const inner = (name) => pairs(new RegExp(`^ {8}${name}:\\n((?: {10}.*\\n?)+)`, 'm').exec(block)?.[1])
      return { name: value('name'), id: value('id'), uses: value('uses'), run: value('run'), env: inner('env'), with: inner('with') }
    }),
  }
}

const pairs = (text = '') => Object.fromEntries([...text.matchAll(/^ *([\w-]+): (.*)$/gm)].map(([, name, value]) => [name, value]))

/**
 * Runs the job in a checkout. `caches` is what the service keeps, a list of `{ key, folder }`, oldest first; a new entry is added as
 * `actions/cache` does, when all went well and there was none of that key. Gives the output by step, and the step that failed.
 */
export function runWorkflow({ env, steps }, { checkout, caches = [], cacheFolder, vars = {}, secrets = {}, only, path = [] }) {
  const outputs = {}
  const expand = (text, context = {}) => text.replaceAll(/\$\{\{ *(.*?) *\}\}/g, (_, expression) => {
    const hashed = /^hashFiles\('(.*)'\)$/.exec(expression)?.[1]
    if (hashed) return existsSync(join(checkout, hashed)) ? createHash('sha256').update(readFileSync(join(checkout, hashed))).digest('hex') : ''
    const found = expression.split('.').reduce((at, name) => at?.[name], { github: { workspace: checkout }, vars, secrets, steps: outputs, ...context })
    return found ?? ''
  })
  const all = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, expand(value)]))
  const said = {}
  let save
  for (const step of steps) {
    if (only && !only.includes(step.name)) continue
    if (step.uses?.startsWith('actions/cache@')) {
      const { key, path: kept, 'restore-keys': prefix } = all(step.with)
      const hit = caches.find((one) => one.key === key) ?? caches.findLast((one) => one.key.startsWith(prefix))
      if (hit) cpSync(hit.folder, join(checkout, kept), { recursive: true, preserveTimestamps: true })
      said[step.name] = hit ? `restored ${hit.key === key ? 'exactly' : 'by prefix'}` : 'not found'
      if (hit?.key !== key) save = { key, kept }
    }
    if (!step.run || step.name === 'install') continue
    const output = join(checkout, '.github-output')
    const { status, stdout, stderr } = spawnSync('bash', ['-eo', 'pipefail', '-c', expand(step.run)], {
      cwd: checkout, encoding: 'utf8',
      env: {
        ...process.env, PATH: [...path, process.env.PATH].join(delimiter), NO_COLOR: '1', CI: 'true', GITHUB_OUTPUT: output, ...all(env), ...all(step.env),
      },
    })
    said[step.name] = stdout + stderr
    if (status !== 0) return { said, failed: step.name }
    if (step.id && existsSync(output)) outputs[step.id] = { outputs: Object.fromEntries(readFileSync(output, 'utf8').trim().split('\n').map((line) => line.split(/=(.*)/s))) }
  }
  if (save && existsSync(join(checkout, save.kept))) {
    const folder = join(cacheFolder, `${caches.length}`)
    mkdirSync(cacheFolder, { recursive: true })
    cpSync(join(checkout, save.kept), folder, { recursive: true, preserveTimestamps: true })
    caches.push({ key: save.key, folder })
  }
  return { said, failed: undefined }
}
