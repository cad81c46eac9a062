// The main job, seen: sets up the workspace (no Python), builds the Vite example, shows what came out.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { must, root, say } from './lib/run.mjs'
import { setUpWorkspace } from './lib/tools.mjs'

await setUpWorkspace()
const example = join(root, 'examples/vite')
rmSync(join(example, 'dist'), { recursive: true, force: true })
say('building examples/vite, a page that says: import model from \'…/digits.pt?mobile\'')
await must('pnpm', ['run', 'build'], { cwd: example })

const assets = readdirSync(join(example, 'dist/assets')).filter((file) => file.endsWith('.ptl'))
if (assets.length === 0) throw new Error('the build emitted no .ptl file')
for (const file of assets) {
  const path = join(example, 'dist/assets', file)
  say(`${path.slice(root.length + 1)}: ${statSync(path).size} bytes`)
  await must('node', [join(root, 'packages/core/dist/cli.js'), 'inspect', path])
}
say('look at it: cd examples/vite && npx vite preview')
