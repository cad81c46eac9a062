import { describe, expect, it } from 'vitest'
import { BUNDLERS } from './support/bundler.ts'
import { contractsPage, PAGE } from './support/contracts-page.ts'
import { CONTRACTS, ruleFor } from './support/contracts.ts'

describe.each(BUNDLERS)('$name', (bundler) => {
  it.each(CONTRACTS)('$title', async (contract) => {
    await ruleFor(contract, bundler).check(bundler)
  }, 90_000)
})

it('docs/bundlers.md is what the table gives (write it with `npm run docs`)', async () => {
  await expect(await contractsPage()).toMatchFileSnapshot(PAGE)
})
