import { expect, it } from 'vitest'
import { CHANGED } from '../engine.ts'
import { UPGRADERS } from './upgraders.ts'

it.each(UPGRADERS)('models with $schema load what upgrades it', ({ schema }) => {
  expect(schema.replace(/\(.*/, '')).toMatch(CHANGED)
})
