import { readFile } from 'node:fs/promises'
import { PetalError } from '@petaljs/core'
import { describe, expect, it } from 'vitest'
import type { PetalOptions } from '../options.ts'
import { resolveOptions } from './resolve.ts'
import { OPTIONS } from './table.ts'

function refused(given: unknown, env: Record<string, string> = {}): string {
  try {
    resolveOptions(given as PetalOptions, env)
  } catch (error) {
    if (error instanceof PetalError) return error.message
    throw error
  }
  throw new Error('it was accepted')
}

describe('options', () => {
  it('are what is given', () => {
    const given: PetalOptions = {
      defaults: { block: ['conv_bn_fusion'] }, presets: { camera: 'image=224' }, include: ['src/**', /x/], exclude: /y/, concurrency: 4,
      onFacts: () => {}, block: ['remove_dropout'], lint: 'error', python: { path: '.venv', timeLimit: 1 }, cache: { dir: 'store' },
    }
    expect(resolveOptions(given, {})).toEqual(given)
    expect(resolveOptions({}, {})).toEqual({})
    expect(resolveOptions({ lint: undefined, cache: undefined } as unknown as PetalOptions, {})).toEqual({})
  })

  it('come from the environment where they are not given', () => {
    const env = {
      PETAL_DEFAULTS: 'image=224&lint=error', PETAL_PRESETS: '{"camera":"image=224&mean=imagenet","small":{"quantize":"dynamic"}}',
      PETAL_INCLUDE: 'src/**/*.{pt,ptl}, models/*.pt', PETAL_EXCLUDE: '**/old/**', PETAL_CONCURRENCY: '3',
      PETAL_BLOCK: 'remove_dropout,conv_bn_fusion',
      PETAL_LINT: 'dropout', PETAL_PYTHON_TIME_LIMIT: '60', PETAL_SOMETHING: 'else', PETAL_CACHE_DIR: 'for the core',
    }
    const fromEnv: PetalOptions = {
      defaults: 'image=224&lint=error', presets: { camera: 'image=224&mean=imagenet', small: { quantize: 'dynamic' } },
      include: ['src/**/*.{pt,ptl}', 'models/*.pt'], exclude: ['**/old/**'], concurrency: 3, block: ['remove_dropout', 'conv_bn_fusion'],
      lint: ['dropout'], python: { timeLimit: 60 },
    }
    expect(resolveOptions({}, env)).toEqual(fromEnv)
    const given: PetalOptions = { concurrency: 1, python: { path: '.venv' }, presets: {} }
    expect(resolveOptions(given, env)).toEqual({ ...fromEnv, ...given, python: { path: '.venv', timeLimit: 60 } })
    expect(resolveOptions({}, { PETAL_CONCURRENCY: '' })).toEqual({})
  })

  it.each([
    [{ concurency: 2 }, '"concurency" is not an option of unplugin-petal.\n\nDid you mean "concurrency"? Options: '],
    [{ cache: { folder: 'x' } }, '"cache.folder" is not an option'],
    [{ cache: 'store' }, '"store" is not a value of the option "cache".\n\nIt has to be an object.'],
    [{ concurrency: 0 }, '0 is not a value of the option "concurrency".\n\nIt has to be a whole number from 1 to 64.'],
    [{ concurrency: '2' }, '"2" is not a value of the option "concurrency".'],
    [{ include: [1] }, '[1] is not a value of the option "include".'],
    [{ onFacts: 'facts.js' }, '"facts.js" is not a value of the option "onFacts".'],
    [{ defaults: ['block=x'] }, '["block=x"] is not a value of the option "defaults".'],
    [{ defaults: { blok: 'x' } }, '"blok" is not a directive of a "?mobile" import, in the option "defaults".\n\nDid you mean "block"?'],
    [{ defaults: 'as=urll' }, '"urll" is not a value of the directive "as", in the option "defaults".\n\nDid you mean "url"?'],
    [{ presets: { camera: { image: 0 } } }, '"image": a side has 1 to 16384 pixels, in the option "presets.camera".'],
    [{ presets: { 'a b': '' } }, '"a b" is not a value of a name in the option "presets".'],
    [{ presets: { true: '' } }, '"true" is not a value of a name in the option "presets".'],
    [{ block: ['conv_bn'] }, '"conv_bn" is not a value of the directive "block", in the option "block".\n\nDid you mean "conv_bn_fusion"?'],
    [{ lint: 'never' }, 'in the option "lint"'],
  ])('%j is refused', (given, said) => {
    expect(refused(given)).toContain(said)
  })

  it.each([
    [{ PETAL_CONCURRENCY: 'many' }, '"many" is not a value of the environment variable PETAL_CONCURRENCY.\n\nIt has to be a whole number'],
    [{ PETAL_PRESETS: 'camera=224' }, '"camera=224" is not a value of the environment variable PETAL_PRESETS.\n\nIt has to be'],
    [{ PETAL_DEFAULTS: 'blok=x' }, '"blok" is not a directive'],
    [{ PETAL_PYTHON_TIME_LIMIT: '-1' }, '"-1" is not a value of the environment variable PETAL_PYTHON_TIME_LIMIT.'],
  ])('%j is refused', (env, said) => {
    expect(refused({}, env as Record<string, string>)).toContain(said)
  })

  it('are in the README, each with its variable', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    const rows = readme.split('\n').filter((line) => line.startsWith('| `'))
    for (const [name, { env }] of Object.entries(OPTIONS)) {
      expect(rows.some((row) => row.includes(`\`${name}\``) && row.includes(`\`${env}\``)), name).toBe(true)
    }
  })

  it('have variables of their own', () => {
    const variables = Object.values(OPTIONS).map(({ env }) => env)
    expect(new Set(variables).size).toBe(variables.length)
    expect(variables.every((name) => /^PETAL_[A-Z_]+$/.test(name))).toBe(true)
  })
})
