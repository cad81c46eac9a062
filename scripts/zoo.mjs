// The differential sweep on its own: `npm run zoo -- --set full --blocked --upstream` also rewrites docs/coverage.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installPackedCore, packAll } from './lib/pack.mjs'
import { ask, root, run, work } from './lib/run.mjs'
import { setUpTorch, setUpWorkspace } from './lib/tools.mjs'

await setUpWorkspace()
const torch = await setUpTorch()
if (!torch) throw new Error('the zoo needs PyTorch: install it, or set PETAL_PYTHON')
const harness = join(root, 'packages/core/test/differential')
const report = join(work, 'zoo.json')
const args = process.argv.slice(2)
const petal = await installPackedCore(await packAll())
process.exitCode = await run(torch.python, [join(harness, 'check.py'), '--petal', petal, '--report', report, ...args])
if (args.join(' ').includes('--set full') && !args.includes('--only')) {
  const table = ask(torch.python, [join(harness, 'coverage.py'), report], { maxBuffer: 2 ** 24 })
  if (table) writeFileSync(join(root, 'docs/coverage.md'), `${table}\n`)
}
