// The differential sweep on its own: `npm run zoo -- --set full --blocked --upstream` also rewrites the table of docs/coverage.md;
// `npm run zoo -- --source python --python …` converts the models from Python source, with that PyTorch;
// `npm run zoo -- --runtime --set full` runs them in our own runtime instead, in Node, Chromium and WebKitGTK;
// `npm run zoo -- --backend vulkan` (or metal) compiles them for GPUs and runs the files as the device would, `--kernels` with
// PyTorch's own kernels of Vulkan; `npm run zoo -- --format torchscript` compiles them to archives for torch.jit.load.
// `--record` puts the rows of any other run into the page as well: `npm run zoo -- --only resnet18 --upstream --record`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PAGE, record, recordArchives, recordDevices, recordKernels, recordRuntime } from './lib/coverage.mjs'
import { installPackedCore, packAll } from './lib/pack.mjs'
import { ask, root, run, work } from './lib/run.mjs'
import { setUpChromium, setUpTorch, setUpWebKit, setUpWorkspace } from './lib/tools.mjs'

const HARNESS = join(root, 'packages/core/test/differential')
const GPU = join(root, 'packages/core/test/gpu')
const args = process.argv.slice(2)
const isWhole = args.join(' ').includes('--set full') && !args.includes('--only')
const isRecorded = take('--record') || isWhole
const sweep = chosen()

await setUpWorkspace()
const torch = await setUpTorch()
if (!torch) throw new Error('the zoo needs PyTorch: install it, or set PETAL_PYTHON')
const petal = await installPackedCore(await packAll())
await sweep()

/** Whether an option was given; takes it, and a value that belongs to it, from what the sweep's own program gets. */
function take(name, value) {
  const at = args.findIndex((arg, i) => arg === name && (value === undefined || args[i + 1] === value))
  if (at >= 0) args.splice(at, value === undefined ? 1 : 2)
  return at >= 0
}

function chosen() {
  if (take('--runtime')) return inRuntime
  if (take('--format', 'torchscript')) return () => inPython('zoo-torchscript', join(HARNESS, 'torchscript.py'), recordArchives)
  if (take('--kernels')) {
    if (!take('--backend', 'vulkan')) throw new Error('--kernels are those of --backend vulkan')
    return () => inPython('zoo-kernels', join(GPU, 'vulkan/run.py'), recordKernels)
  }
  if (args.includes('--backend')) return () => inPython('zoo-gpu', join(GPU, 'compare.py'), recordDevices)
  return () => inPython('zoo', join(HARNESS, 'check.py'), recordPage)
}

/** Runs one of the Python programs, which write reports. */
async function inPython(name, file, recorded) {
  const report = join(work, `${name}.json`)
  process.exitCode = await run(torch.python, [file, '--petal', petal, '--report', report, ...args])
  if (isRecorded) recorded(JSON.parse(readFileSync(report, 'utf8')), report)
}

/** Rows that were not run stay; sections of models from Python source are those of a whole run. */
function recordPage({ source }, report) {
  if (source === 'python' && args.includes('--only')) throw new Error('sections of models from Python source are recorded as a whole, not with --only')
  const part = ask(torch.python, [join(HARNESS, 'coverage.py'), report, PAGE], { maxBuffer: 2 ** 24 })
  if (part === undefined) throw new Error(`coverage.py cannot read ${report}`)
  record(part)
}

/** Everything in Node, what an everyday run has in the browsers too. */
async function inRuntime() {
  const chromium = await setUpChromium()
  const engines = ['node', ...chromium ? ['chromium=quick'] : [], ...await setUpWebKit() ? ['webkit=quick'] : []]
  const chosenEngines = args.includes('--engine') ? [] : engines.flatMap((engine) => ['--engine', engine])
  const report = join(work, 'runtime-zoo.json')
  const options = ['--petal', petal, '--python', torch.python, '--report', report, ...chosenEngines, ...args]
  process.exitCode = await run('node', [join(root, 'packages/runtime/test/zoo/run.mjs'), ...options], { env: { PETAL_CHROMIUM: chromium ?? '' } })
  if (isRecorded) recordRuntime(JSON.parse(readFileSync(report, 'utf8')), !args.includes('--only'))
}
