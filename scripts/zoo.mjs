// The differential sweep on its own: `npm run zoo -- --set full --blocked --upstream` also rewrites docs/coverage.md;
// `npm run zoo -- --source python --python …` converts the models from Python source, with that PyTorch.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installPackedCore, packAll } from './lib/pack.mjs'
import { ask, root, run, work } from './lib/run.mjs'
import { setUpTorch, setUpWorkspace } from './lib/tools.mjs'

await setUpWorkspace()
const torch = await setUpTorch()
if (!torch) throw new Error('the zoo needs PyTorch: install it, or set PETAL_PYTHON')
const harness = join(root, 'packages/core/test/differential')
const args = process.argv.slice(2)
const report = join(work, 'zoo.json')
const petal = await installPackedCore(await packAll())
process.exitCode = await run(torch.python, [join(harness, 'check.py'), '--petal', petal, '--report', report, ...args])
if (args.join(' ').includes('--set full') && !args.includes('--only')) {
  const part = ask(torch.python, [join(harness, 'coverage.py'), report], { maxBuffer: 2 ** 24 })
  if (part) record(part)
}

/** Puts one part of docs/coverage.md in the place of its predecessor: the page, or the section of one PyTorch. */
function record(part) {
  const page = join(root, 'docs/coverage.md')
  const parts = new Map([...readFileSync(page, 'utf8').split(/^(?=## From Python source)/m), part].map((text) => [text.split('\n', 1)[0], text.trim()]))
  writeFileSync(page, `${[...parts.values()].join('\n\n')}\n`)
}
