// The differential sweep on its own: `npm run zoo -- --set full --blocked --upstream` also rewrites docs/coverage.md;
// `npm run zoo -- --source python --python …` converts the models from Python source, with that PyTorch;
// `npm run zoo -- --runtime --set full` runs them in our own runtime instead, in Node, Chromium and WebKitGTK.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { record, recordRuntime } from './lib/coverage.mjs'
import { installPackedCore, packAll } from './lib/pack.mjs'
import { ask, root, run, work } from './lib/run.mjs'
import { setUpChromium, setUpTorch, setUpWebKit, setUpWorkspace } from './lib/tools.mjs'

await setUpWorkspace()
const torch = await setUpTorch()
if (!torch) throw new Error('the zoo needs PyTorch: install it, or set PETAL_PYTHON')
const args = process.argv.slice(2).filter((arg) => arg !== '--runtime')
const isFull = args.join(' ').includes('--set full') && !args.includes('--only')
const petal = await installPackedCore(await packAll())
await (process.argv.includes('--runtime') ? inRuntime() : inPyTorch())

async function inPyTorch() {
  const harness = join(root, 'packages/core/test/differential')
  const report = join(work, 'zoo.json')
  process.exitCode = await run(torch.python, [join(harness, 'check.py'), '--petal', petal, '--report', report, ...args])
  const part = isFull ? ask(torch.python, [join(harness, 'coverage.py'), report], { maxBuffer: 2 ** 24 }) : undefined
  if (part) record(part)
}

/** Everything in Node, what an everyday run has in the browsers too. */
async function inRuntime() {
  const chromium = await setUpChromium()
  const engines = ['node', ...chromium ? ['chromium=quick'] : [], ...await setUpWebKit() ? ['webkit=quick'] : []]
  const chosen = args.includes('--engine') ? [] : engines.flatMap((engine) => ['--engine', engine])
  const report = join(work, 'runtime-zoo.json')
  const options = ['--petal', petal, '--python', torch.python, '--report', report, ...chosen, ...args]
  process.exitCode = await run('node', [join(root, 'packages/runtime/test/zoo/run.mjs'), ...options], { env: { PETAL_CHROMIUM: chromium ?? '' } })
  if (isFull) recordRuntime(JSON.parse(readFileSync(report, 'utf8')))
}
