import { execFileSync } from 'node:child_process'
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { bundle } from '../../test/support/bundle.ts'

it('names the code that runs, Python and JavaScript, and nothing else', async () => {
  const code = await bundle({ tool: 'src/store/tool.ts' })
  const run = `import { toolIdentity } from ${JSON.stringify(join(code, 'tool.js'))}; console.log(toolIdentity())`
  const identity = (): string => execFileSync(process.execPath, ['--input-type=module', '-e', run], { encoding: 'utf8' }).trim()
  try {
    const names = [identity()]
    for (const file of ['worker/main.py', 'worker/petal_worker/server.py', 'tool.js']) {
      appendFileSync(join(code, file), '\n')
      names.push(identity())
    }
    expect(new Set(names).size).toBe(4)
    writeFileSync(join(code, 'worker/main.pyc'), '')
    expect(identity()).toBe(names.at(-1))
  } finally {
    rmSync(code, { recursive: true, force: true })
  }
}, 30_000)
