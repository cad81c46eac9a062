// Writes the parts of docs/ that tests make from tables; the same tests compare them.
import { join } from 'node:path'
import { must, root, say } from './lib/run.mjs'

const PAGES = [
  ['docs/script-errors.md', 'packages/core', 'test/pytorch/script-errors-page.spec.ts'],
  ['docs/bundlers.md', 'packages/unplugin', '--config', 'vitest.slow.config.ts', 'test/contracts.slow.spec.ts', '-t', 'docs/bundlers.md'],
]

for (const [page, folder, ...spec] of PAGES) {
  await must('pnpm', ['exec', 'vitest', 'run', ...spec, '--update'], { cwd: join(root, folder) })
  say(`${page} is up to date`)
}
