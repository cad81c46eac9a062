// Not run: what TypeScript makes of these imports is the test (test/types.slow.spec.ts).
import type { ModelFacts, ModelHandle } from 'unplugin-petal/handle'
import handle from './net.pt?mobile'
import legacy from './net.pth?mobile'
import compiled from './net.ptl?mobile'
import python from './net.py?mobile'
import exported from './net.pt2?mobile'
import scripted from './net.py?convert=script&mobile'
import blocked from './net.pt?block=conv_bn_fusion,fuse_add_relu&mobile'
import url from './net.pt?mobile&as=url'
import urlFirst from './net.pt?as=url&mobile'
import blockedUrl from './net.pt?block=remove_dropout&mobile&as=url'
import facts from './net.pt?mobile&as=facts'
import blockedFacts from './net.pt?block=remove_dropout&as=facts&mobile'

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

export const handles: [Same<typeof handle, ModelHandle>, Same<typeof legacy, ModelHandle>] = [true, true]
export const moreHandles: [Same<typeof compiled, ModelHandle>, Same<typeof blocked, ModelHandle>] = [true, true]
export const fromPython: [Same<typeof python, ModelHandle>, Same<typeof exported, ModelHandle>, Same<typeof scripted, ModelHandle>] = [true, true, true]
export const method: 'trace' | 'script' | undefined = python.conversion?.method
export const urls: [Same<typeof url, string>, Same<typeof urlFirst, string>, Same<typeof blockedUrl, string>] = [true, true, true]
export const plain: [Same<typeof facts, ModelFacts>, Same<typeof blockedFacts, ModelFacts>] = [true, true]

export const size: number = handle.bytes
export const first: string | undefined = handle.inputs[0]?.name
export const convolutions: number | undefined = handle.operators.after['aten::conv2d']

// @ts-expect-error a handle is immutable
handle.url = ''
// @ts-expect-error and all it holds
handle.inputs.push({ name: 'x', type: 'Tensor' })
// @ts-expect-error facts have no URL
export const none = facts.url
// @ts-expect-error without the marker it is no import of ours
import unmarked from './net.pt'
export { unmarked }
