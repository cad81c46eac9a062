import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { importsOf } from './imports.ts'
import { portable, projectRoot } from '../project.ts'
import { scanImports, type ScanOptions } from './index.ts'
import { scriptsOf } from './scripts.ts'

const specifiers = (file: string, text: string): string[] => scriptsOf(file, text).flatMap(importsOf).flatMap((one) => one.specifiers)

describe('imports of a script', () => {
  it.each([
    ["import net from './net.pt?mobile'"],
    ['import net from "./net.pt?mobile"'],
    ["import './net.pt?mobile'"],
    ["import net, { type Handle } from './net.pt?mobile'"],
    ["export { default } from './net.pt?mobile'"],
    ["export * as net from './net.pt?mobile'"],
    ["const net = await import('./net.pt?mobile')"],
    ['const net = await import(\n  // why\n  /* @vite-ignore */ `./net.pt?mobile`\n)'],
    ["const net = require('./net.pt?mobile')"],
    ["const url = new URL('./net.pt?mobile', import.meta.url)"],
    ["new Worker(new URL('./net.pt?mobile', import.meta.url), { type: 'module' })"],
    ["import net from './net\\x2ept?mobile'"],
    ["const a = 1 / 2, b = /['\"`]/; import net from './net.pt?mobile'"],
    ["const a = `${`'${b}`}`; import net from './net.pt?mobile'"],
    ["#!/usr/bin/env node\nimport net from './net.pt?mobile'"],
  ])('are found: %s', (text) => {
    for (const file of ['a.js', 'a.ts', 'a.tsx', 'a.mjs', 'a.cts']) expect(specifiers(file, text)).toEqual(['./net.pt?mobile'])
  })

  it.each([
    ["// import net from './net.pt?mobile'"],
    ["/* import net from './net.pt?mobile' */"],
    ["const text = \"import net from './net.pt?mobile'\""],
    ["const text = `\nimport net from './net.pt?mobile'\n`"],
    ["const pattern = /import('.\\/net.pt?mobile')/"],
    ["load('./net.pt?mobile')"],
    ['import(`./${name}.pt?mobile`)'],
    ["const from = './net.pt?mobile'"],
  ])('are not what looks like them: %s', (text) => {
    for (const file of ['a.js', 'a.ts', 'a.tsx']) expect(specifiers(file, text)).toEqual([])
  })

  it('are found after JSX, whatever its text, and after type parameters', () => {
    const jsx = "const a = <p title=\"it's\">don't `quote` {b ? '//' : <br/>} /* this */</p>\nconst net = import('./net.pt?mobile')"
    expect(specifiers('a.jsx', jsx)).toEqual(['./net.pt?mobile'])
    expect(specifiers('a.tsx', jsx)).toEqual(['./net.pt?mobile'])
    expect(specifiers('a.tsx', "const f = <T,>(x: T): T => x\nconst net = import('./net.pt?mobile')")).toEqual(['./net.pt?mobile'])
    expect(specifiers('a.ts', "const f = <T>(x: T) => <U>x\nimport net from './net.pt?mobile'")).toEqual(['./net.pt?mobile'])
  })

  it('are found in the scripts of markup, at their places in the file', () => {
    const vue = "<template>\n  <p>import a from './no.pt?mobile'</p>\n</template>\n<!-- <script>import './no.pt?mobile'</script> -->\n" +
      "<script setup lang=\"ts\" generic=\"T extends A>B\">\n  import net from './net.pt?mobile'\n</script>\n<style>p { content: \"'\" }</style>\n"
    const [found] = scriptsOf('a.vue', vue).flatMap(importsOf)
    expect(found).toMatchObject({ specifiers: ['./net.pt?mobile'], line: 6, column: 20 })
    expect(specifiers('a.svelte', "<script module>import './a.pt?mobile'</script><p>it's</p><script>import './b.pt?mobile'</script>")).toEqual(['./a.pt?mobile', './b.pt?mobile'])
    expect(specifiers('index.html', '<p>it\'s<script type=module>\nimport("./a.pt?mobile")</script>')).toEqual(['./a.pt?mobile'])
    expect(specifiers('a.astro', "---\nimport net from './net.pt?mobile'\n---\n<p>it's</p>")).toEqual(['./net.pt?mobile'])
  })

  it('have attributes', () => {
    const text = "import net from './net.pt' with { type: 'mobile', 'block': \"conv_bn_fusion\" }\nconst a = import('./net.pt', { with: { type: 'mobile' } })"
    expect(importsOf({ text, hasJsx: false }).map((one) => one.attributes)).toEqual([[['type', 'mobile'], ['block', 'conv_bn_fusion']], [['type', 'mobile']]])
  })

  it.each([
    ["import.meta.glob('./m/*.pt', { query: '?mobile' })", ['./m/*.pt'], '?mobile'],
    ["import.meta.glob<Handle>(['./m/*.pt', '!./m/x.pt'], { eager: true, query: 'mobile&lint=off', import: 'default' })", ['./m/*.pt', '!./m/x.pt'], '?mobile&lint=off'],
    ["import.meta.glob('./m/*.pt', { query: { mobile: true, block: 'conv_bn_fusion' } })", ['./m/*.pt'], '?mobile=true&block=conv_bn_fusion'],
    ["import.meta.glob('./m/*.pt')", ['./m/*.pt'], ''],
  ])('may be globs: %s', (text, patterns, query) => {
    expect(importsOf({ text, hasJsx: false })).toMatchObject([{ isGlob: true, specifiers: patterns, query }])
  })
})

describe('the sources of an app', () => {
  let app: string
  beforeEach(async () => { app = await mkdtemp(join(tmpdir(), 'petal-scan-')) })
  afterEach(async () => { await rm(app, { recursive: true, force: true }) })

  async function scan(files: Record<string, string>, options?: ScanOptions): Promise<{ found: string[]; problems: (string | number | undefined)[][] }> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(app, name)), { recursive: true })
      await writeFile(join(app, name), text)
    }
    const { imports, problems } = await scanImports(app, options)
    return {
      found: imports.map(({ file, importer, line, request }) => `${portable(app, importer)}:${line} ${portable(app, file)} ${request.block.join()}`.trim()),
      problems: problems.map(({ code, location }) => [code, location?.file, location?.line, location?.column]),
    }
  }

  it('are read wherever they are, but for packages, hidden folders and what was built', async () => {
    const text = "import './net.pt?mobile&block=conv_bn_fusion'"
    const names = ['a.js', 'src/dist/b.ts', 'src/c.vue', 'node_modules/x/a.js', '.cache/a.js', 'dist/a.js', 'notes.md']
    const { found } = await scan(Object.fromEntries(names.map((name) => [name, name.endsWith('.vue') ? `<script>${text}</script>` : text])))
    expect(found).toEqual(['a.js:1 net.pt conv_bn_fusion', 'src/c.vue:1 src/net.pt conv_bn_fusion', 'src/dist/b.ts:1 src/dist/net.pt conv_bn_fusion'])
  })

  it('are not what only declares types, as the plugin writes it', async () => {
    const text = `declare module "petal:src/net.pt?mobile" {}\ndeclare module '*/net.pt?mobile' { export { default } from 'petal:src/net.pt?mobile' }`
    expect(await scan({ 'petal.d.ts': text, 'src/petal.d.mts': text, 'src/a.d.b.ts': text, 'src/a.b.ts': `import './c.pt?mobile'` }))
      .toEqual({ found: ['src/a.b.ts:1 src/c.pt'], problems: [] })
  })

  it('name models relatively, from the root, by an alias, in packages and by globs', async () => {
    const { found, problems } = await scan({
      'package.json': '{ "imports": { "#models/*": "./models/*" } }',
      'models/a.pt': '', 'models/b.pt': '', 'models/readme.md': '',
      'node_modules/pkg/package.json': '{ "name": "pkg" }', 'node_modules/pkg/net.pt': '',
      'src/main.ts': [
        "import '../models/a.pt?mobile'", "import '/models/a.pt?mobile'", "import '@/net.pt?mobile'", "import 'pkg/net.pt?mobile'", "import '#models/b.pt?mobile'",
        "import.meta.glob('../models/*', { query: '?mobile' })", "import 'nothing/net.pt?mobile'", "import './net.pt?mobile&blok=x'",
        "import '../models/a.pt?mobile=camera'", "import './picture.png?mobile'", "import './net.pt?url'", "import './net.pt' with { type: 'mobile', block: 'fuse_add_relu' }",
      ].join('\n'),
    }, { aliases: new Map([['@', 'src']]), layers: { presets: { camera: [['block', 'remove_dropout']] } } })
    expect(found).toEqual([
      'src/main.ts:1 models/a.pt', 'src/main.ts:2 models/a.pt', 'src/main.ts:3 src/net.pt', 'src/main.ts:4 node_modules/pkg/net.pt', 'src/main.ts:5 models/b.pt',
      'src/main.ts:6 models/a.pt', 'src/main.ts:6 models/b.pt', 'src/main.ts:9 models/a.pt remove_dropout', 'src/main.ts:12 src/net.pt fuse_add_relu',
    ])
    expect(problems).toEqual([['UNRESOLVED_IMPORT', 'src/main.ts', 7, 9], ['UNKNOWN_DIRECTIVE', 'src/main.ts', 8, 9]])
  })

  it('belong to the nearest package', async () => {
    await scan({ 'package.json': '{}', 'src/deep/a.js': '' })
    expect(projectRoot(join(app, 'src/deep'))).toBe(app)
    await expect(scanImports(join(app, 'nowhere'))).rejects.toMatchObject({ code: 'NO_FOLDER' })
  })
})
