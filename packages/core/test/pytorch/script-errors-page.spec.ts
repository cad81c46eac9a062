import { join } from 'node:path'
import { expect, it } from 'vitest'
import { page } from '../support/script-errors-page.ts'

it('docs/script-errors.md is what the catalogue gives (write it with `npm run docs`)', async () => {
  await expect(await page()).toMatchFileSnapshot(join(import.meta.dirname, '../../../../docs/script-errors.md'))
})
