// Ratios of petal against PyTorch and against the floor, for one compile. See compile.py.
import { join } from 'node:path'
import { must, root, work } from '../scripts/lib/run.mjs'
import { setUpTorch, setUpWorkspace } from '../scripts/lib/tools.mjs'

await setUpWorkspace()
const torch = await setUpTorch()
if (!torch) throw new Error('this benchmark compares with PyTorch: install it, or set PETAL_PYTHON')
await must(torch.python, ['bench/compile.py', '--petal', join(root, 'packages/core/dist/cli.js'), '--folder', join(work, 'bench'), ...process.argv.slice(2)])
