import { describe, expect, it } from 'vitest'
import { createModels } from '../src/models.ts'
import { defaultRequest } from '@petaljs/core'
import { modelApp } from './support/app.ts'
import { BUNDLERS } from './support/bundler.ts'

describe.each(BUNDLERS)('$name: the line at the end', ({ build }) => {
  it('counts models, what was computed and what was there, bytes and seconds', async () => {
    const app = await modelApp(`import a from './net.pt?mobile'\nglobalThis.result = a`)
    expect((await build(app)).log).toMatch(/1 model, compiled: 13\.4 kB → \S+ kB in \d+\.\d+ s/)
    await app.write('src/main.js', `import a from './net.pt?mobile'\nimport b from './other.pt?mobile'\nglobalThis.result = [a, b]`)
    expect((await build(app)).log).toMatch(/2 models, 1 compiled, 1 from the cache: \S+ kB → \S+ kB in \d+\.\d+ s/)
  })
})

it('is told of through the bundler when it takes long, and only then', async () => {
  const app = await modelApp('')
  const lines: string[] = []
  /** One on which everything takes a second. */
  const slow = { now: () => 1000 * lines.length, later: (_: number, action: () => void) => { action(); return () => undefined } }
  const models = createModels({}, slow)
  models.configure({ root: app.root, note: (line) => lines.push(line) })
  await models.build(app.path('src/net.pt'), defaultRequest)
  expect(lines).toEqual(['net.pt: reading …', 'net.pt: done in 1.00 s'])
})
