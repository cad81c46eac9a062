// Writes docs/script-errors.md from the table that explains errors; a test of packages/core compares the two.
import { join } from 'node:path'
import { must, root, say } from './lib/run.mjs'

await must('pnpm', ['exec', 'vitest', 'run', 'test/pytorch/script-errors-page.spec.ts', '--update'], { cwd: join(root, 'packages/core') })
say('docs/script-errors.md is up to date')
