import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { families } from './families.ts'
import type { Family } from './operator.ts'

it('every family is called as its file, by which generated modules import it', async () => {
  const files = [...readFileSync(new URL('families.ts', import.meta.url), 'utf8').matchAll(/'\.\/ops\/([^']+)\.ts'/g)].map(([, name]) => name!)
  const named = await Promise.all(files.map(async (file) => (await import(`./ops/${file}.ts`) as { default: Family }).default.name))
  expect(named).toEqual(files)
  expect(families.map(({ name }) => name).toSorted()).toEqual(files.toSorted())
})
