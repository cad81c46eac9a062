import { Buffer } from 'node:buffer'
import type { BuildResult } from '@petaljs/core'
import type { ModelFacts } from './handle.ts'

/** What the generated module is; the directive `as`. */
export type Shape = 'handle' | 'url' | 'facts' | 'runtime'

/** What modules are made of. */
export interface ModuleParts {
  /** The specifier whose import gives the URL. */
  readonly asset: string
  /** The specifier of the same import with the shape `runtime`. */
  readonly runtime: string
  readonly facts: ModelFacts
  /** By family of the runtime: what to import of it. */
  readonly imports: BuildResult['facts']['imports']
}

/**
 * The module that an import evaluates to. It has a default export only, as a bundler's own asset imports have. `facts` alone imports no
 * asset, so nothing is emitted for it. `runtime` is no import of an app's: the handle's `load()` gets from it what loads the model, and the
 * operators that this model needs and no others.
 */
export function generateModule(shape: Shape, { asset, runtime, facts, imports }: ModuleParts): string {
  return SHAPES[shape]({ asset: JSON.stringify(asset), runtime: JSON.stringify(runtime), facts, imports })
}

/** Names of operators begin with their namespace: `aten__add_Tensor`. What packs weights has the name of a class. */
const isOperator = (name: string): boolean => /^[a-z]\w*__/.test(name)

const SHAPES: Record<Shape, (parts: ModuleParts) => string> = {
  handle: ({ asset, runtime, facts }) => lines(
    `import url from ${asset}`,
    `import { createHandle } from '@petaljs/runtime/handle'`,
    `export default /* #__PURE__ */ createHandle(url, ${literal(facts)}, () => import(${runtime}))`,
  ),
  url: ({ asset }) => lines(`import url from ${asset}`, 'export default url'),
  facts: ({ facts }) => lines(FREEZE, `export default /* #__PURE__ */ freeze(${literal(facts)})`),
  runtime: ({ imports }) => {
    const families = Object.entries(imports).map(([family, names], f) => ({ family, names: names.map((name, n) => ({ name, local: `part${f}_${n}` })), kernels: `kernels${f}` }))
    const spread = (isWanted: (name: string) => boolean): string =>
      families.flatMap(({ names }) => names.filter(({ name }) => isWanted(name)).map(({ local }) => `...${local}`)).join(', ')
    return lines(
      ...families.map(({ family, names, kernels }) =>
        `import { ${[...names.map(({ name, local }) => `${name} as ${local}`), `kernels as ${kernels}`].join(', ')} } from ${JSON.stringify(`@petaljs/runtime/ops/${family}`)}`),
      `export { load } from '@petaljs/runtime/load'`,
      `export const families = [{`,
      `  name: 'used',`,
      `  operators: { ${spread(isOperator)} },`,
      `  kernels: [${families.map(({ kernels }) => `...${kernels}`).join(', ')}],`,
      `  prepare: { ${spread((name) => !isOperator(name))} },`,
      `}]`,
    )
  },
}

/** JavaScript that freezes a value and all it holds: facts alone need nothing of the runtime. */
const FREEZE = `\
function freeze(value) {
  for (const key in value) if (typeof value[key] === 'object' && value[key]) freeze(value[key])
  return Object.freeze(value)
}`

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('')

/** `JSON.parse` of a string: unlike an object literal, a key named `__proto__` in it is only a key. */
function literal(value: unknown): string {
  return `/* #__PURE__ */ JSON.parse(${JSON.stringify(JSON.stringify(value))})`
}

/** What a module says of its model. */
export function modelFacts({ facts, bytes, sha256, source, conversion }: BuildResult): ModelFacts {
  // Lints are for the build.
  const { imports: _, lints: __, ...shipped } = facts
  const integrity = `sha256-${Buffer.from(sha256, 'hex').toString('base64')}`
  return { ...shipped, bytes, sha256, integrity, source, ...conversion && { conversion } }
}

/** How the module of an import names its runtime: the same import, relative to itself, as another shape. */
export function runtimeSpecifier(id: string): string {
  const mark = id.indexOf('?')
  const directives = id.slice(mark + 1).split('&').filter((piece) => piece !== '' && !/^as(?:=|$)/.test(piece))
  return `./${id.slice(0, mark).replace(/^.*[/\\]/, '')}?${[...directives, 'as=runtime'].join('&')}`
}
