// Not run: what TypeScript makes of these imports is the test (test/types.slow.spec.ts).
import type { ModelHandle } from 'unplugin-petal/handle'
import handle from './net.pt' with { type: 'mobile' }
import blocked from '../models/net.ptl' with { type: 'mobile', block: 'conv_bn_fusion' }
import python from './net.py' with { type: 'mobile', convert: 'script' }
import url from './net.pt?mobile&as=url'

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

export const handles: [Same<typeof handle, ModelHandle>, Same<typeof blocked, ModelHandle>, Same<typeof python, ModelHandle>] = [true, true, true]
export const lazily: Promise<{ default: ModelHandle }> = import('./net.pth', { with: { type: 'mobile' } })
export const text: string = url

// @ts-expect-error a handle is immutable
handle.url = ''
