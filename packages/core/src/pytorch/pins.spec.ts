import { expect, it } from 'vitest'
import { pinFor, pinsFor, pipLine, supportedPythons } from './pins.ts'

it.each([
  ['linux', 'x64', '3.8.10', undefined], ['linux', 'x64', '3.9.2', '2.6.0'], ['linux', 'arm64', '3.13.0', '2.6.0'],
  ['win32', 'x64', '3.14.0', '2.15.0'],
  ['linux', 'x64', '3.15.1', '2.15.0'], ['linux', 'x64', '3.16.0', undefined], ['linux', 'x64', '2.7.18', undefined],
  ['darwin', 'arm64', '3.12.1', '2.6.0'], ['darwin', 'x64', '3.12.1', '2.2.2'], ['darwin', 'x64', '3.13.0', undefined],
] as const)('%s %s with Python %s gets %s', (platform, arch, python, torch) => {
  expect(pinFor(python, pinsFor(platform, arch))?.torch).toBe(torch)
})

it('says how to install it by hand', () => {
  const index = '--index-url https://download.pytorch.org/whl/cpu'
  expect(pipLine(undefined, undefined, 'linux')).toBe(`python3 -m pip install torch==2.6.0 ${index}`)
  expect(pipLine('/x/python', '3.14.0', 'linux')).toContain('/x/python -m pip install torch==2.15.0 --index-url')
  expect(pipLine('/x/python', '3.7.0', 'darwin')).toMatch(/^python3 -m pip install torch==\S+$/)
  expect(pipLine(undefined, undefined, 'win32')).toMatch(/^py -m pip /)
  expect(supportedPythons(pinsFor('linux', 'x64'))).toBe('3.9 to 3.15')
})
