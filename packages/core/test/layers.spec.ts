import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '../src')

/** The compiler's folders and its files beside them; each may import those before it. See docs/architecture.md. */
const LAYERS = [
  'errors.ts', 'target.ts', 'lint-codes.ts', 'blockable.ts', 'example-input.ts', 'facts.ts', 'artifact.ts', 'archive', 'ir', 'script', 'program.ts', 'passes',
  'backends', 'emit', 'options.ts', 'report', 'bundle', 'members.ts', 'explained.ts', 'compile.ts', 'index.ts',
]

/** What a run must not depend on, and what browsers do not have. */
const IMPURE = /\bnew Date\b|\bDate\.now\b|\bMath\.random\b|\bperformance\.now\b|\bprocess\.|\bBuffer\b|\bimport\(/

interface Import {
  readonly from: string
  /** Path in `src`, or the name of a package. */
  readonly to: string
  /** True for types, which are gone when the code runs. */
  readonly onlyTypes: boolean
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
const texts = new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]))
const imports = files.flatMap(importsOf)
const compiler = imports.filter(({ from }) => from.startsWith('compiler/'))

function importsOf(from: string): Import[] {
  return [...texts.get(from)!.matchAll(/^(?:import|export) (type )?([^;'"]*?) from '([^']+)'/gm)].map(([, type, names, specifier]) => ({
    from,
    to: specifier!.startsWith('.') ? join(dirname(from), specifier!).replaceAll('\\', '/') : specifier!,
    onlyTypes: type !== undefined || names!.replaceAll(/[{}]/g, '').split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')),
  }))
}

function layer(file: string): number {
  return LAYERS.indexOf(file.split('/')[1]!)
}

/** Files that import one another when the code runs, as one path; undefined when there are none. */
function cycle(): string | undefined {
  const targets = new Map(files.map((file) => [file, imports.filter(({ from, onlyTypes }) => from === file && !onlyTypes)]))
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' -> ')
    if (done.has(file)) return undefined
    for (const { to } of targets.get(file) ?? []) {
      const found = visit(to, [...path, file])
      if (found !== undefined) return found
    }
    done.add(file)
    return undefined
  }
  return files.map((file) => visit(file, [])).find((found) => found !== undefined)
}

describe('the compiler', () => {
  it('imports only itself', () => {
    expect(compiler.length).toBeGreaterThan(300)
    expect(compiler.filter(({ to }) => !to.startsWith('compiler/'))).toEqual([])
  })

  it('has layers that never look up', () => {
    expect(compiler.filter(({ from, to }) => layer(from) < 0 || layer(to) > layer(from))).toEqual([])
  })

  it('asks for no time, no chance and nothing of Node', () => {
    const code = files.filter((file) => file.startsWith('compiler/') && !file.endsWith('.generated.ts'))
      .map((file) => [file, texts.get(file)!.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')] as const)
    expect(code.filter(([, text]) => IMPURE.test(text)).map(([file]) => file)).toEqual([])
  })
})

describe('the package', () => {
  it('has rooms that do not know one another', () => {
    const rooms = ['request', 'source', 'pytorch', 'store']
    const room = (file: string): string | undefined => rooms.find((name) => file.startsWith(`${name}/`))
    expect(imports.filter(({ from, to }) => room(from) !== undefined && room(to) !== undefined && room(from) !== room(to))).toEqual([])
  })

  it('knows the runtime by what it says to those who build, in few places', () => {
    const runtime = imports.filter(({ to }) => to.startsWith('@petaljs/runtime'))
    expect(new Set(runtime.map(({ to }) => to))).toEqual(new Set(['@petaljs/runtime/build', '@petaljs/runtime/spec']))
    expect(runtime.filter(({ from }) => !/^(?:check\/|(?:coverage|facts|image|image-request)\.ts$)/.test(from))).toEqual([])
  })

  it('has no files that import one another in a circle', () => {
    expect(cycle()).toBeUndefined()
  })

  it('has files that are read in one go', () => {
    const long = [...texts].filter(([file, text]) => !file.endsWith('.generated.ts') && text.split('\n').length > 421)
    expect(long.map(([file]) => file)).toEqual([])
  })
})
