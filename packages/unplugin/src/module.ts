import type { BuildResult } from '@petaljs/core'
import { FREEZE_CODE, HANDLE_CODE, type ModelFacts } from './handle.ts'

/** What the generated module's default export is; the directive `as`. */
export type Shape = 'handle' | 'url' | 'facts'

/**
 * The module that an import evaluates to. It has a default export only, as a bundler's own asset imports have.
 * `asset` is the specifier whose import gives the URL. `facts` alone imports no asset, so nothing is emitted for it.
 */
export function generateModule(shape: Shape, asset: string, facts: ModelFacts): string {
  return SHAPES[shape](JSON.stringify(asset), literal(facts))
}

const SHAPES: Record<Shape, (asset: string, facts: string) => string> = {
  handle: (asset, facts) =>
    `import url from ${asset}\n${HANDLE_CODE}export default /* #__PURE__ */ new PetalModel(url, ${facts})\n`,
  url: (asset) => `import url from ${asset}\nexport default url\n`,
  facts: (_, facts) => `${FREEZE_CODE}export default /* #__PURE__ */ freeze(${facts})\n`,
}

/** `JSON.parse` of a string: unlike an object literal, a key named `__proto__` in it is only a key. */
function literal(value: unknown): string {
  return `/* #__PURE__ */ JSON.parse(${JSON.stringify(JSON.stringify(value))})`
}

/** What a module says of its model. */
export function modelFacts({ facts, bytes, sha256, source, conversion }: BuildResult): ModelFacts {
  return { ...facts, bytes, sha256, source, ...conversion && { conversion } }
}
