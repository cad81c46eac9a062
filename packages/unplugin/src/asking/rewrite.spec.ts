import { SourceMap } from 'node:module'
import { describe, expect, it } from 'vitest'
import { rewrite } from './rewrite.ts'

const OPTIONS = { base: 'import.meta.url', isOurs: (file: string): boolean => !file.includes('excluded') }

const rewritten = (code: string, id = '/app/src/main.js'): string | undefined => rewrite(code, id, OPTIONS)?.code

const NAME = /__petal_url_\w+/g

describe('a module', () => {
  it.each([
    'const text = "new URL(\'./net.pt?mobile\', import.meta.url)"',
    '// new URL("./net.pt?mobile", import.meta.url)',
    '/* import net from "./net.pt" with { type: "mobile" } */',
    'const pattern = /new URL("./net.pt?mobile", import.meta.url)/',
    'new Worker(new URL("./mobile.js", import.meta.url), { type: "module" })',
    'new URL("./net.pt", import.meta.url)',
    'new URL("./net.pt?url&mobilenet", import.meta.url)',
    'new URL("./net.json?mobile", import.meta.url)',
    'new URL("./net.pt?mobile", document.baseURI)',
    'new URL("./net.pt?mobile", import.meta.url + "/")',
    'new URL("https://cdn.example/net.pt?mobile", import.meta.url)',
    'new URL("./excluded.pt?mobile", import.meta.url)',
    'new OtherURL("./net.pt?mobile", import.meta.url)',
    'import data from "./data.json" with { type: "json" }; "mobile"',
    'import net from "./net.pt" with { type: "file", mobile: "" }',
    'import net from "./net.pt?mobile"',
    'import net from "./excluded.pt" with { type: "mobile" }',
  ])('%s is left alone', (code) => {
    expect(rewritten(code)).toBeUndefined()
  })

  it.each([
    [`new URL('./net.pt?mobile', import.meta.url)`, './net.pt?mobile&as=url'],
    ['new URL(`./net.pt?mobile&block=remove_dropout`, import.meta.url)', './net.pt?mobile&block=remove_dropout&as=url'],
    [`new URL(\n  // the net\n  "net.pt?mobile&as=url",\n  import.meta.url,\n)`, './net.pt?mobile&as=url'],
    [`new URL('../my nets/[net].pt?mobile', import.meta.url)`, '../my nets/[net].pt?mobile&as=url'],
    [`new URL('@/net.pt?mobile=camera', import.meta.url)`, '@/net.pt?mobile=camera&as=url'],
  ])('%s imports %s', (code, specifier) => {
    const text = rewritten(code)!
    const [name] = text.match(NAME)!
    expect(text).toContain(`new URL(`)
    expect(text).not.toMatch(/net\.pt[^]*net\.pt/)
    expect(text.endsWith(`\nimport ${name} from ${JSON.stringify(specifier)}\n`)).toBe(true)
  })

  it.each([
    [`import net from './net.pt' with { type: 'mobile' }`, `import net from "./net.pt?mobile"`],
    [`export { default } from "./net.pt" with { 'type': "mobile", block: "remove_dropout,conv_bn_fusion", }; next`,
      `export { default } from "./net.pt?mobile&block=remove_dropout,conv_bn_fusion"; next`],
    [`import('./net.pt', { with: { type: 'mobile', preset: 'camera' } }).then(next)`, `import("./net.pt?mobile=camera").then(next)`],
  ])('%s is %s', (code, plain) => {
    expect(rewritten(code)).toBe(plain)
  })

  it('imports a file once, and another for other directives', () => {
    const url = (query: string): string => `new URL('./net.pt?${query}', import.meta.url)`
    const text = rewritten(`f(${url('mobile')}, ${url('mobile')}, ${url('mobile&block=remove_dropout')})`)!
    expect(text.match(/^import /gm)).toHaveLength(2)
    expect(new Set(text.match(NAME)!).size).toBe(2)
  })

  it('keeps what has to be first', () => {
    const text = rewritten(`#!/usr/bin/env node\n'use client'\nnew URL('./net.pt?mobile', import.meta.url) // last`)!
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n'use client'\nnew URL\(__petal_url_\w+, import\.meta\.url\) \/\/ last\nimport /)
  })

  it('may be TypeScript, JSX, or part of a component', () => {
    const code = `new URL('./net.pt?mobile', import.meta.url)`
    expect(rewritten(`const f = <T>(x: T): T => x\n${code}`, '/app/a.ts')).toMatch(NAME)
    expect(rewritten(`const f = <p>it's {\`a\`}</p>\n${code}`, '/app/a.tsx?v=1')).toMatch(NAME)
    const source = `<template>it's new</template>\n<script setup>\n${code}</script>\n<style>a { b: 'c' }</style>`
    const component = rewritten(source, '/app/A.vue')!
    expect(component).toMatch(/import\.meta\.url\)\nimport __petal_url_\w+ from "[^"]+"\n<\/script>\n<style>/)
  })

  it('says what a URL is relative to as the bundler does', () => {
    const text = rewrite(`new URL('./net.pt?mobile', import.meta.url)`, '/app/a.js', { ...OPTIONS, base: '__webpack_base_uri__' })!.code
    expect(text).toMatch(/^new URL\(__petal_url_\w+, __webpack_base_uri__\)\n/)
  })

  it('has a source map for each word of it', () => {
    const code = `const a = new URL('./net.pt?mobile', import.meta.url), b = 2`
    const { code: text, map } = rewrite(code, '/app/a.js', OPTIONS)!
    const origin = new SourceMap(JSON.parse(map.toString())).findEntry(0, text.indexOf('b = 2'))
    expect(origin).toMatchObject({ originalSource: '/app/a.js', originalLine: 0, originalColumn: code.indexOf('b = 2') })
  })
})
