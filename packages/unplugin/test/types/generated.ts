// Not run: what TypeScript makes of these imports, with the declaration file that a build has written, is the test (test/types.slow.spec.ts).
import type { ModelFacts, ModelHandle, TensorValue } from 'unplugin-petal/handle'
import net from './models/net.pt?mobile'
import blocked from './models/net.pt?mobile&block=conv_bn_fusion'
import url from './models/net.pt?mobile&as=url&block=conv_bn_fusion'
import facts from './models/net.pt?mobile&as=facts&block=conv_bn_fusion'
import types from './models/types.ptl?mobile'
import first from './first/same.ptl?mobile'
import second from './second/same.ptl?mobile'
import aliased from '@/models/types.ptl?mobile'

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

const image = new Float32Array(3)
export const plain: ModelHandle[] = [net, blocked, types, first, second, aliased]
export const others: [Same<typeof url, string>, Same<typeof facts, ModelFacts>] = [true, true]

const model = await net.load()
export const answers: TensorValue[] = [(await model.run({ image })).output, (await model.run(image)).output, (await model.call('forward', [image])).output]
export const own: { mine: number } = await model.run<{ mine: number }>(image)
export const again: TensorValue = (await (await blocked.load()).run({ image })).output
// @ts-expect-error no such input
await model.run({ imgae: image })
// @ts-expect-error no such input in the import with directives
await (await blocked.load()).run({ imgae: image })
// @ts-expect-error one input
await model.run(image, image)
// @ts-expect-error the input is missing
await model.run()
// @ts-expect-error no tensor
await model.run('image')
// @ts-expect-error no such output
export const none = (await model.run(image)).outptu
// @ts-expect-error no such method
await model.call('encode', [image])

const every = await types.load()
export const forward: TensorValue = (await every.run({ x: image, scale: 2, shift: null })).output
export const defaults: TensorValue = (await every.run(image, undefined, image)).output
export const two: { readonly output0: TensorValue; readonly output1: readonly string[] } = await every.call('two', { x: image, names: ['a'] })
export const table: number | bigint | undefined = (await every.call('table', [{ a: 1 }])).output['a']
export const integers: number | bigint = (await every.call('integers', [1, true])).output
await every.call('point', [{ x: image, count: 1 }])
// @ts-expect-error a flag is no number
await every.call('integers', { n: 1, flag: 1 })
// @ts-expect-error names are strings
await every.call('two', [image, [1]])
// @ts-expect-error scale is a number
await every.run({ x: image, scale: 'two' })
// @ts-expect-error results are named
export const wrong = (await every.call('two', [image, []])).output

// Models of one name are told apart by their folders.
await (await first.load()).call('same', [image])
await (await second.load()).run({ image })
// @ts-expect-error the other one's
await (await second.load()).call('same', [image])
// @ts-expect-error an alias finds it, too
await (await aliased.load()).call('integers', { n: 1, flag: 1 })
