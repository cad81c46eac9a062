import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { families } from './families.ts'
import * as walking from './kernels/vector.ts'
import type { Family } from './operator.ts'

it('every family is called as its file, by which generated modules import it', async () => {
  const files = [...readFileSync(new URL('families.ts', import.meta.url), 'utf8').matchAll(/'\.\/ops\/([^']+)\.ts'/g)].map(([, name]) => name!)
  const named = await Promise.all(files.map(async (file) => (await import(`./ops/${file}.ts`) as { default: Family }).default.name))
  expect(named).toEqual(files)
  expect(families.map(({ name }) => name).toSorted()).toEqual(files.toSorted())
})

const source = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

/** A module of operators and all that it imports. */
function modulesOf(path: string, known: Set<string> = new Set()): Set<string> {
  if (known.has(path)) return known
  known.add(path)
  for (const [, next] of source(path).matchAll(/^(?:import (?!type)|export (?!type)|\} from).*'(\..+\.ts)'$/gm)) {
    modulesOf(`./${new URL(next!, `file:///${path}`).pathname.slice(1)}`, known)
  }
  return known
}

/** Names that kernels export, by their module. */
const exported = (name: string): string[] =>
  [...source(`../kernels/${name}/index.ts`).matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) => list!.split(',').map((each) => each.trim()).filter(Boolean))

it.each(families)('$name comes with the kernels that it calls', ({ name, kernels = [] }) => {
  const lines = [...modulesOf(`./ops/${name}.ts`)].filter((path) => path.startsWith('./ops/')).flatMap((path) => source(path).split('\n'))
    .filter((line) => /kernels?(?:\['|: '|!? = )|= m\.kernels/.test(line))
  const isCalled = (kernel: string): boolean => lines.some((line) => new RegExp(`'${kernel}'|[{,] ${kernel}\\b.* = m\\.kernels`).test(line))
  const needed = ['dense', 'sequence', ...Object.values(walking).filter(({ space }) => space).map((each) => each.name)]
    .filter((module) => exported(module).some(isCalled))
  expect(needed.filter((module) => !kernels.some((each) => each.name === module))).toEqual([])
})
