import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
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

it('remembers the name until a file of the code changes', async () => {
  const code = await bundle({ tool: 'src/store/tool.ts' })
  const memo = join(code, 'memo')
  const file = join(memo, 'tool.json')
  const run = `import { toolIdentity } from ${JSON.stringify(join(code, 'tool.js'))}; console.log(toolIdentity(process.argv[1]))`
  const identity = (...folder: string[]): string =>
    execFileSync(process.execPath, ['--input-type=module', '-e', run, ...folder], { encoding: 'utf8' }).trim()
  const old = new Date(Date.now() - 60_000)
  try {
    const right = identity()
    expect(identity(memo)).toBe(right)
    expect(existsSync(memo)).toBe(false)

    mkdirSync(memo)
    await new Promise((done) => setTimeout(done, 2_100))
    expect(identity(memo)).toBe(right)
    const told = 'a'.repeat(64)
    writeFileSync(file, readFileSync(file, 'utf8').replace(right, told))
    expect(identity(memo)).toBe(told)

    appendFileSync(join(code, 'tool.js'), '\n')
    utimesSync(join(code, 'tool.js'), old, old)
    expect(identity(memo)).toBe(identity())
    writeFileSync(file, '{')
    expect(identity(memo)).toBe(identity())
  } finally {
    rmSync(code, { recursive: true, force: true })
  }
}, 30_000)
