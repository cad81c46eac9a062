// All tests, on whatever machine: sets up what is missing, runs every runner, sums them in one closing line.
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setUpGpu } from './lib/gpu.mjs'
import { installPackedCore, packAll } from './lib/pack.mjs'
import { inCI, root, run, say, work } from './lib/run.mjs'
import { setUpChromium, setUpNginx, setUpReleases, setUpTorch, setUpUv, setUpWebKit, setUpWorkspace } from './lib/tools.mjs'

/** As many as take half a minute; packages/core/test/fuzz/README.md says how to run more. */
const FUZZED_ARCHIVES = 2000

const total = { passed: 0, failed: 0, skipped: 0 }
const failures = []

function add(name, { passed = 0, failed = 0, skipped = 0 }) {
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
  if (failed > 0) failures.push(`${name}: ${failed} failed`)
}

/** One command that is one test: it passes when it exits with 0. */
async function check(name, command, args, options) {
  say(name)
  const code = await run(command, args, options)
  add(name, code === 0 ? { passed: 1 } : { failed: 1 })
}

/** A missing tool skips loudly on a contributor's machine and fails in CI. */
function missing(name, tool) {
  say(`${inCI ? 'FAILED' : 'SKIPPED'} for want of ${tool}: ${name}`)
  add(name, inCI ? { failed: 1 } : { skipped: 1 })
}

/** The specs of one package; with a configuration, those that it names. */
async function vitest(folder, env, config) {
  const name = ['vitest', folder, config].filter(Boolean).join(' ')
  say(name)
  const report = join(work, `${name.replaceAll(/\W+/g, '-')}.json`)
  rmSync(report, { force: true })
  const args = ['exec', 'vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...config ? ['--config', `vitest.${config}.config.ts`] : []]
  const code = await run('pnpm', args, { cwd: join(root, 'packages', folder), env })
  if (!existsSync(report)) return add(name, { failed: 1 })
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const skipped = numPendingTests + numTodoTests
  // A spec file that cannot be loaded counts no failed test, yet fails the run; in CI a skip is a missing tool.
  const failed = Math.max(numFailedTests, code === 0 ? 0 : 1) + (inCI ? skipped : 0)
  add(name, { passed: numPassedTests, failed, skipped: inCI ? 0 : skipped })
  // Once more at the end, where the last lines of a long log are all that many see of it.
  for (const { assertionResults } of testResults) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') failures.push(`  ${fullName}: ${failureMessages[0]?.split('\n')[0]}`)
    }
  }
}

/** A Python script that closes with "name: N passed, N failed, N skipped". */
async function python(name, file, args, interpreter) {
  say(name)
  const report = join(work, `${name.replaceAll(/\W+/g, '-')}.json`)
  rmSync(report, { force: true })
  const code = await run(interpreter, [join('packages/core/test/differential', file), ...args, '--report', report], { env: { PYTHONDONTWRITEBYTECODE: '1' } })
  const rows = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).rows : []
  const failed = rows.filter((row) => row.status === 'failed').length
  add(name, { passed: rows.length - failed, failed: Math.max(failed, code === 0 ? 0 : 1) })
}

/** Mutated archives; counts a row for each file. PyTorch, where it is there, judges what is accepted. */
async function fuzzArchives(count) {
  const name = 'fuzzed archives'
  say(name)
  const report = join(work, 'fuzzed-archives.json')
  rmSync(report, { force: true })
  const judge = torch ? ['--python', torch.python] : []
  const code = await run('node', ['packages/core/test/fuzz/run.mjs', '--count', `${count}`, '--jobs', '2', '--report', report, ...judge])
  const { files, failures } = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { files: 0, failures: [] }
  add(name, { passed: files - failures.length, failed: Math.max(failures.length, code === 0 ? 0 : 1) })
}

/** The zoo in our own runtime; counts a row for each file and engine. */
async function runtimeZoo(petal) {
  const name = 'zoo in the runtime'
  say(name)
  const engines = { node: true, 'chromium=some': chromium, 'webkit=some': webkit }
  for (const [engine, there] of Object.entries(engines)) if (!there) missing(`${name}, ${engine}`, engine.split('=')[0])
  const report = join(work, 'runtime-zoo.json')
  rmSync(report, { force: true })
  const chosen = Object.entries(engines).flatMap(([engine, there]) => there ? ['--engine', engine] : [])
  const args = ['packages/runtime/test/zoo/run.mjs', '--petal', petal, '--python', torch.python, '--set', 'quick', '--report', report, ...chosen]
  const code = await run('node', args, { env })
  const rows = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).rows : []
  const count = (status) => rows.filter((row) => row.status === status).length
  add(name, { passed: count('passed') + count('refused'), failed: Math.max(count('failed'), code === 0 ? 0 : 1) })
}

await setUpWorkspace()
const torch = await setUpTorch()
const releases = await setUpReleases(torch)
const chromium = await setUpChromium()
const webkit = await setUpWebKit()
await setUpNginx()
await setUpUv()
const gpu = await setUpGpu(torch)
/** Every PyTorch that Python sources are converted with; the main one also judges what comes out. */
const converters = [...torch ? [{ name: `torch-${torch.version}`, python: torch.python }] : [], ...releases.filter(({ python }) => python)]

await check('lint (oxlint)', 'oxlint', [])
await check('types (tsc)', 'turbo', ['run', 'typecheck', '--output-logs=errors-only'])
say('packing')
const tarballs = await packAll()
for (const [name, tarball] of Object.entries(tarballs)) {
  await check(`publint packages/${name}`, 'publint', ['run', tarball, '--strict'])
  await check(`are the types wrong, packages/${name}`, 'attw', [tarball, '--profile', 'esm-only', '--quiet'])
}
const env = { PETAL_CHROMIUM: chromium ?? '', PETAL_PYTHON: torch?.python ?? '' }
for (const name of readdirSync(join(root, 'packages'))) {
  await vitest(name, env)
  if (existsSync(join(root, 'packages', name, 'vitest.slow.config.ts'))) await vitest(name, env, 'slow')
}
/** Examples whose models are Python sources. */
const PYTHON_EXAMPLES = new Set(['camera', 'python'])
for (const name of readdirSync(join(root, 'examples')).filter((name) => existsSync(join(root, 'examples', name, 'package.json')))) {
  const cwd = join(root, 'examples', name)
  if (PYTHON_EXAMPLES.has(name) && !torch) {
    missing(`examples/${name} builds`, 'PyTorch')
    continue
  }
  const { scripts } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'))
  for (const task of ['typecheck', 'build', 'test'].filter((task) => scripts[task])) await check(`examples/${name}: ${task}`, 'pnpm', ['run', task], { cwd, env })
}
await fuzzArchives(FUZZED_ARCHIVES)
const torchSpecs = readdirSync(join(root, 'packages')).filter((name) => existsSync(join(root, 'packages', name, 'vitest.torch.config.ts')))
if (converters.length > 0) {
  const pythons = { ...env, PETAL_TEST_PYTHONS: converters.map(({ python }) => python).join(delimiter) }
  for (const name of torchSpecs) await vitest(name, pythons, 'torch')
} else {
  for (const name of torchSpecs) missing(`vitest ${name} torch`, 'PyTorch')
}
const petal = await installPackedCore(tarballs)
if (torch) {
  await python('acceptance', 'acceptance.py', ['--petal', petal], torch.python)
  await python('archives of other releases', 'archives.py', ['--petal', petal], torch.python)
  await python('forms of the mobile file', 'containers.py', ['--petal', petal, '--set', 'quick'], torch.python)
  await python('switches', 'switches.py', ['--petal', petal, '--set', 'quick'], torch.python)
  await python('fuzz', 'fuzz.py', ['--petal', petal, '--seed', '1', '--count', '150'], torch.python)
  await python('differential', 'check.py', ['--petal', petal, '--set', 'quick', '--blocked'], torch.python)
  await python('quantized, qnnpack', 'quantized.py', ['--petal', petal, '--engine', 'qnnpack'], torch.python)
  await python('quantized, onednn', 'quantized.py', ['--petal', petal, '--engine', 'onednn', '--only', 'packed weights with and without ReLU'], torch.python)
  // Debian's PyTorch has no FBGEMM.
  for (const { name, python: other } of releases.filter(({ python: other }) => other).slice(0, 1)) {
    await python(`quantized, fbgemm of ${name}`, 'quantized.py', ['--petal', petal, '--engine', 'fbgemm'], other)
  }
  await python('torchscript', 'torchscript.py', ['--petal', petal, '--set', 'brief', ...releases.flatMap(({ python: other }) => other ? ['--other', other] : [])], torch.python)
  for (const { name, python: converter } of converters) {
    await python(`differential from Python, ${name}`, 'check.py', ['--petal', petal, '--set', 'some', '--source', 'python', '--python', converter], torch.python)
  }
  if (gpu.shim) await python("files for GPUs beside PyTorch's", '../gpu/compare.py', ['--petal', petal], torch.python)
  if (gpu.vulkan) {
    await python('files for Vulkan on the CPU', '../gpu/vulkan/run.py', ['--petal', petal], torch.python)
    await python('operators for Vulkan on the CPU', '../gpu/vulkan/operators.py', ['--petal', petal], torch.python)
  }
  await runtimeZoo(petal)
} else {
  missing('differential tests', 'PyTorch')
  missing('the zoo in the runtime', 'PyTorch')
}
if (!gpu.shim) missing("files for GPUs beside PyTorch's", 'PyTorch 1.13 with its headers')
if (!gpu.vulkan) missing('files for Vulkan on the CPU', 'PyTorch 1.13 with its headers, and Vulkan')
for (const { name, python } of releases) if (!python) missing(`tests of Python sources with ${name}`, name)

for (const failure of failures) say(failure)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed > 0 ? 1 : 0
