// Runs the steps of the workflow, and of turbo, on this machine: cold, warm, after changes, frozen without a store, with a remote store, and with a poisoned one.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNginx, startNginx } from '../../../packages/core/test/support/nginx.mjs'
import { readWorkflow, runWorkflow } from './workflow.mjs'

const app = fileURLToPath(new URL('..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'petal-ci-'))
const bin = join(app, 'node_modules/.bin')
const workflow = readWorkflow(join(app, '.github/workflows/build.yml'))
const repository = join(work, 'repository')
const inCI = process.env.CI === 'true'
for (const name of Object.keys(process.env).filter((name) => name.startsWith('PETAL_'))) delete process.env[name]

let checkouts = 0
/** A checkout on a machine of its own; packages are installed by links. Commands are not: how they find their package depends on where they are. */
function checkOut(into = join(work, `machine-${++checkouts}`, 'app')) {
  cpSync(repository, into, { recursive: true, filter: (path) => !/node_modules|dist$/.test(path) })
  mkdirSync(join(into, 'node_modules'))
  for (const name of readdirSync(join(app, 'node_modules')).filter((name) => !name.startsWith('.'))) {
    symlinkSync(join(app, 'node_modules', name), join(into, 'node_modules', name))
  }
  return into
}

function run(cwd, command, args, env = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd, encoding: 'utf8', env: { ...process.env, PATH: [bin, process.env.PATH].join(delimiter), NO_COLOR: '1', ...env },
  })
  return { status, said: stdout + stderr }
}

const caches = []
const cacheFolder = join(work, 'caches')
const runJob = (options = {}) => {
  const checkout = checkOut()
  return { checkout, ...runWorkflow(workflow, { checkout, caches, cacheFolder, path: [bin], ...options }) }
}
/** On a machine without the service's caches. */
const runAlone = (options) => runJob({ caches: [], cacheFolder: mkdtempSync(join(work, 'unused-')), ...options })

/** What a build made, by name; the store's place must not show in it. */
const built = (checkout) => Object.fromEntries(readdirSync(join(checkout, 'dist/assets')).toSorted().map((name) => [name, readFileSync(join(checkout, 'dist/assets', name), 'base64')]))
const count = (text, word) => text.split(word).length - 1
const source = (checkout) => join(checkout, 'src/main.js')
const say = (text) => console.log(`ok  ${text}`)

/** As a developer does it: prewarm writes the lock file, which is committed. */
function develop(change = () => {}) {
  const checkout = checkOut()
  change(checkout)
  const { status, said } = run(checkout, 'petal', ['prewarm'], { PETAL_CACHE_DIR: join(work, 'laptop') })
  assert.equal(status, 0, said)
  cpSync(join(checkout, 'petal.lock.json'), join(repository, 'petal.lock.json'))
  cpSync(join(checkout, 'src'), join(repository, 'src'), { recursive: true })
}

try {
  cpSync(app, repository, { recursive: true, filter: (path) => !/node_modules|dist$|petal\.lock\.json$/.test(path) })
  develop()
  const lock = JSON.parse(readFileSync(join(repository, 'petal.lock.json'), 'utf8'))
  assert.deepEqual(Object.keys(lock.models), ['models/digits.pt', 'models/digits.pt?block=conv_bn_fusion'])

  const cold = runJob()
  assert.equal(cold.failed, undefined, JSON.stringify(cold.said))
  assert.equal(cold.said.cache, 'not found')
  assert.equal(count(cold.said.prewarm, 'compiled'), 2)
  const made = built(cold.checkout)
  assert.equal(Object.keys(made).filter((name) => name.endsWith('.ptl')).length, 2)
  say('cold: both models are compiled, the frozen build has them, the store is kept')

  const warm = runJob()
  assert.equal(warm.failed, undefined, JSON.stringify(warm.said))
  assert.equal(warm.said.cache, 'restored exactly')
  assert.equal(count(warm.said.prewarm, 'stored'), 2, warm.said.prewarm)
  assert.deepEqual(built(warm.checkout), made)
  assert.equal(caches.length, 1)
  say('warm, in another folder: nothing is compiled, the output is the same')

  develop((checkout) => writeFileSync(source(checkout), readFileSync(source(checkout), 'utf8').replace('conv_bn_fusion', 'fuse_add_relu')))
  const changed = runJob()
  assert.equal(changed.failed, undefined, JSON.stringify(changed.said))
  assert.equal(changed.said.cache, 'restored by prefix')
  assert.deepEqual([count(changed.said.prewarm, 'stored'), count(changed.said.prewarm, 'compiled')], [1, 1], changed.said.prewarm)
  assert.equal(caches.length, 2)
  say('a changed directive: the store is found by prefix, one model is compiled')

  writeFileSync(source(repository), readFileSync(source(repository), 'utf8').replace('fuse_add_relu', 'conv_bn_fusion'))
  const unlocked = runJob()
  assert.equal(unlocked.failed, 'prewarm')
  assert.match(unlocked.said.prewarm, /models\/digits\.pt\?block=conv_bn_fusion is imported and not in the lock file\./)
  assert.match(unlocked.said.prewarm, /models\/digits\.pt\?block=fuse_add_relu is in the lock file and imported nowhere\./)
  develop()
  say('an import without the lock file: refused')

  const missed = runAlone({ only: ['build'] })
  assert.equal(missed.failed, 'build')
  assert.match(missed.said.build, /"\.\.\/models\/digits\.pt\?mobile(&block=conv_bn_fusion)?", imported by src\/main\.js, is not in the store, and a frozen build compiles nothing\./)
  assert.match(missed.said.build, /is empty: was it restored\?/)
  say('a frozen build without the store: refused, with import and importer')

  cpSync(join(app, '../../packages/unplugin/test/fixtures/net.pt'), join(repository, 'models/digits.pt'))
  const other = runJob({ only: ['key', 'cache', 'build'] })
  assert.equal(other.failed, 'build')
  assert.match(other.said.build, /The nearest record in the store differs: the model's bytes changed \([\da-f]{12} -> [\da-f]{12}\)\./, other.said.build)
  cpSync(join(app, 'models/digits.pt'), join(repository, 'models/digits.pt'))
  say('a frozen build of a changed model: refused, with what differs')

  if (findNginx()) await remotely(made)
  else {
    console.log('SKIPPED for want of nginx: remote stores')
    if (inCI) process.exitCode = 1
  }
  inTurbo()
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function remotely(made) {
  const nginx = await startNginx()
  try {
    const remote = { vars: { PETAL_REMOTE: nginx.url }, secrets: { PETAL_REMOTE_TOKEN: nginx.reader } }
    const main = { PETAL_REMOTE: nginx.url, PETAL_REMOTE_TOKEN: nginx.writer, PETAL_REMOTE_WRITE: '1', PETAL_CACHE_DIR: join(work, 'main') }
    assert.equal(run(checkOut(), 'petal', ['prewarm', '--locked'], main).status, 0)
    assert.deepEqual(['ac', 'cas'].map((name) => readdirSync(join(nginx.files, name)).length), [2, 2])

    const hit = runAlone(remote)
    assert.equal(hit.failed, undefined, JSON.stringify(hit.said))
    assert.equal(count(hit.said.prewarm, 'stored'), 2, hit.said.prewarm)
    assert.deepEqual(built(hit.checkout), made)
    const direct = runAlone({ ...remote, only: ['build'] })
    assert.equal(direct.failed, undefined, JSON.stringify(direct.said))
    assert.deepEqual(built(direct.checkout), made)
    say('a remote store: nothing is compiled, not even without prewarm')

    for (const name of readdirSync(join(nginx.files, 'cas'))) {
      const bytes = readFileSync(join(nginx.files, 'cas', name))
      bytes[bytes.length >> 1] ^= 1
      writeFileSync(join(nginx.files, 'cas', name), bytes)
    }
    const poisoned = runAlone(remote)
    assert.equal(poisoned.failed, undefined, JSON.stringify(poisoned.said))
    assert.equal(count(poisoned.said.prewarm, 'has a wrong file for digits.ptl, which is refused'), 2, poisoned.said.prewarm)
    assert.equal(count(poisoned.said.prewarm, 'compiled'), 2)
    assert.deepEqual(built(poisoned.checkout), made)
    const frozen = runAlone({ ...remote, only: ['build'] })
    assert.equal(frozen.failed, 'build')
    assert.match(frozen.said.build, /which is refused/)
    say('a poisoned remote store: refused and compiled, or, frozen, an error')
  } finally {
    await nginx.stop()
  }
  const gone = runAlone({ vars: { PETAL_REMOTE: nginx.url } })
  assert.equal(gone.failed, undefined, JSON.stringify(gone.said))
  assert.equal(count(gone.said.prewarm, 'cannot be reached (ECONNREFUSED); going on without it'), 1, gone.said.prewarm)
  assert.deepEqual(built(gone.checkout), made)
  say('a remote store that is gone: one note, and the same output')
}

/** A monorepo whose models are not in git, with our turbo.json. */
function inTurbo() {
  const root = join(work, 'monorepo')
  mkdirSync(root)
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'monorepo', private: true, packageManager: 'pnpm@10.34.9' }))
  writeFileSync(join(root, 'pnpm-workspace.yaml'), 'packages:\n  - apps/*\n')
  writeFileSync(join(root, 'pnpm-lock.yaml'), "lockfileVersion: '9.0'\n")
  writeFileSync(join(root, 'turbo.json'), '{ "tasks": {} }')
  writeFileSync(join(root, '.gitignore'), 'node_modules\ndist\n.turbo\n*.pt\n')
  const web = checkOut(join(root, 'apps/web'))
  run(root, 'git', ['init', '-q'])
  run(root, 'git', ['add', '-A'])
  const build = (env) => {
    const { status, said } = run(root, 'turbo', ['run', 'build', '--no-color', '--no-daemon'], {
      TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', PETAL_CACHE_DIR: join(work, 'turbo-store'), ...env,
    })
    assert.equal(status, 0, said)
    return /Cached:\s+1 cached/.test(said) ? 'cached' : 'built'
  }
  const seen = [build(), build(), build({ PETAL_REMOTE_TOKEN: 'another' }), build({ PETAL_DEFAULTS: 'block=fuse_add_relu' })]
  cpSync(join(app, '../../packages/unplugin/test/fixtures/net.pt'), join(web, 'models/digits.pt'))
  rmSync(join(web, 'petal.lock.json'))
  assert.deepEqual([...seen, build()], ['built', 'cached', 'cached', 'built', 'built'])
  say('turbo: built again for directives and models, those out of git too, and for nothing else')
}
