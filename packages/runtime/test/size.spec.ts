import { describe, expect, it } from 'vitest'
import { families } from '../src/families.ts'
import { parseSchema } from '../src/operator.ts'
import { CNN, sizeOf, ZOO } from '../scripts/sizes.mjs'

// Real builds, so these are the bytes of the package as it was built last. What an operator may cost has to be found somewhere else.
/** Bytes, gzip. */
const LIMITS = [
  { what: 'a network like MobileNet v2', names: CNN, without: ['winograd'], limit: 33_000 },
  { what: 'a network like SqueezeNet', names: CNN, without: ['winograd', 'depthwise'], limit: 30_800 },
  { what: 'all networks of the zoo', names: ZOO, without: [], limit: 72_500 },
]

describe('what an app downloads to run a model', () => {
  it.each(LIMITS)('of $what stays small', async ({ names, without, limit }) => {
    const { total, sizes } = await sizeOf(names, { without })
    expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(limit)
  })

  it('is no code of operators that the model has not', async () => {
    const { code } = await sizeOf(CNN)
    for (const { operators } of families) {
      for (const schema of Object.keys(operators)) {
        const { name } = parseSchema(schema, () => undefined)
        const isFormOf = CNN.some((wanted) => baseOf(wanted) === baseOf(name))
        if (!isFormOf) expect(code).not.toContain(`${name}(`)
      }
    }
    expect(code).toContain('aten::flatten.using_ints(')
  })
})

/** Forms of an operator come together: `aten::add_.Tensor` with `aten::add.out`. */
const baseOf = (name: string): string => name.replace(/_?(?:\..*)?$/, '')
