import { rm, stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createDeclarationFile } from '../src/declarations/index.ts'
import { moduleTypes } from '../src/declarations/module-types.ts'
import { typeScriptOf } from '../src/declarations/script-types.ts'
import { parse, render } from '../src/declarations/text.ts'
import { createApp, modelApp } from './support/app.ts'
import { BUNDLERS } from './support/bundler.ts'

const body = (name: string): string => `  const model: ${name}\n  export default model\n`

/** Names of the patterns, in their order, with what they stand for. */
const patternsIn = (text: string): (readonly [string, string])[] =>
  [...text.matchAll(/^declare module "(\.\*.*)" \{\n.*?(?:from "petal:(.*)"|from '(.*)')$/gm)].map(([, name, petal, other]) => [name!, petal ?? other!])

describe('the declaration file', () => {
  it('is the same text whatever came first, and can be read back', () => {
    const entries = [['src/net.pt?mobile', body('A')], ['../shared/"odd" name.pt?mobile&block=x', body('B')]] as const
    const text = render(new Map(entries))
    expect(render(new Map(entries.toReversed()))).toBe(text)
    expect(parse(text)).toEqual(new Map(entries))
    expect(parse(text.replaceAll('\n', '\r\n'))).toEqual(new Map(entries))
    expect(parse('export {}')).toBeUndefined()
  })

  it('tells models of one name apart by their folders, the longest pattern first', () => {
    const models = new Map([['a/net.pt?mobile', body('A')], ['b/net.pt?mobile', body('B')], ['x/b/net.pt?mobile', body('C')]])
    expect(patternsIn(render(models))).toEqual([
      ['.*/x/b/net.pt?mobile', 'x/b/net.pt?mobile'],
      ['.*/a/net.pt?mobile', 'a/net.pt?mobile'],
      ['.*/net.pt?mobile', 'unplugin-petal/handle'],
    ])
    const alike = new Map([...models].map(([name]) => [name, body('A')]))
    expect(patternsIn(render(alike))).toEqual([['.*/net.pt?mobile', 'a/net.pt?mobile']])
  })

  it('keeps what was not seen as long as the model exists, and is written only when it changes', async () => {
    const app = await createApp({ 'a.pt': '', 'b.pt': '' })
    const names = async (): Promise<string[]> => [...parse(String(await app.read('petal.d.ts')))!.keys()]
    const run = async (...files: string[]): Promise<void> => {
      const file = createDeclarationFile(true, () => app.root)
      await Promise.all(files.map((each) => file.record(app.path(each), 'mobile', body(each))))
    }
    await run('b.pt', 'a.pt')
    expect(await names()).toEqual(['a.pt?mobile', 'b.pt?mobile'])
    const before = await stat(app.path('petal.d.ts'), { bigint: true })
    await run('a.pt')
    expect((await stat(app.path('petal.d.ts'), { bigint: true })).ino).toBe(before.ino)
    await rm(app.path('b.pt'))
    await run('a.pt')
    expect(await names()).toEqual(['a.pt?mobile'])
  })

  it('replaces no file that is somebody else\'s', async () => {
    const app = await createApp({ 'a.pt': '', 'src/env.d.ts': 'interface Mine {}' })
    const file = createDeclarationFile('src/env.d.ts', () => app.root)
    await expect(file.record(app.path('a.pt'), 'mobile', body('A'))).rejects.toThrow(/env\.d\.ts was not made by unplugin-petal/)
    expect(String(await app.read('src/env.d.ts'))).toBe('interface Mine {}')
  })
})

it.each([
  ['Optional[List[Tensor]]', 'readonly (TensorInput)[] | null', 'readonly (TensorValue)[] | null'],
  ['List[int]', 'readonly (number | bigint)[] | TensorData', 'readonly (number | bigint)[]'],
  ['Tuple[Tensor, str]', 'readonly [TensorInput, string]', 'readonly [TensorValue, string]'],
  ['Tuple[()]', 'readonly []', 'readonly []'],
  ['Dict[str,bool]', 'ReadonlyMap<string, boolean> | { readonly [key: string]: boolean }', '{ readonly [key: string]: boolean }'],
  ['Dict[int,Tensor]', 'ReadonlyMap<number | bigint, TensorInput>', 'ReadonlyMap<number | bigint, TensorValue>'],
  ['Union[int, str]', 'Input', 'Output'],
  ['__torch__.Point', 'Input', 'Output'],
])('%s is %s, and %s when it comes out', (annotation, input, output) => {
  expect([typeScriptOf(annotation, 'input'), typeScriptOf(annotation, 'output')]).toEqual([input, output])
})

it('writes a method with defaults, odd names and several results', () => {
  const signature = {
    inputs: [{ name: 'x', type: 'Tensor', dtype: 'float32', shape: [1, null] }, { name: 'größe', type: 'int', default: '"*/"' }],
    outputs: [{ name: '', type: 'Tensor' }, { name: 'count', type: 'int' }],
  }
  expect(moduleTypes('handle', { signature })).toBe(`\
  import type { Method, ModelHandle, TensorInput, TensorValue } from 'unplugin-petal/handle'
  const model: ModelHandle<{
    readonly forward: Method<
      [TensorInput, (number | bigint)?],
      {
        /** Tensor, float32, 1 × any */ readonly x: TensorInput
        /** int, default "* /" */ readonly "größe"?: number | bigint | undefined
      },
      {
        /** Tensor */ readonly output0: TensorValue
        /** int */ readonly count: number | bigint
      }
    >
  }>
  export default model
`)
})

describe.each(BUNDLERS)('$name: the declaration file', ({ build }) => {
  it('is the same everywhere, and missing unless it is asked for', async () => {
    const app = await modelApp(`import net from './net.pt?block=conv_bn_fusion&mobile'\nimport url from './other.ptl?mobile&as=url'\nglobalThis.result = [net, url]`)
    await build(app)
    await expect(app.read('petal.d.ts')).rejects.toThrow('ENOENT')
    await build(app, { petal: { dts: true } })
    const text = String(await app.read('petal.d.ts'))
    expect(text).toContain(`
declare module "petal:src/net.pt?block=conv_bn_fusion&mobile" {
  import type { Method, ModelHandle, TensorInput, TensorValue } from 'unplugin-petal/handle'
  const model: ModelHandle<{
    readonly forward: Method<
      [image: TensorInput],
      {
        /** Tensor */ readonly image: TensorInput
      },
      {
        /** Tensor */ readonly output: TensorValue
      }
    >
  }>
  export default model
}
`)
    expect(patternsIn(text).map(([name]) => name)).toEqual(['.*/net.pt?block=conv_bn_fusion&mobile', '.*/other.ptl?mobile&as=url'])
    await build(app, { petal: { dts: 'package.json' } }).then(({ log }) => expect(log).toContain('package.json was not made by unplugin-petal'))
  })
})
